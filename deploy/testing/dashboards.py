"""The dashboards as files: reads them, finds their queries, and holds them against what Grafana
takes. The known keys are those of Grafana 13.1 (`@grafana/schema`), as far as they are used here:
whoever exports a dashboard with others adds them, after a look at what they do.
"""

import json
import os

from report import ROOT, Failed, expect, read

FOLDER = os.path.join("deploy", "grafana", "dashboards")

DASHBOARD = set(
    "annotations description editable fiscalYearStartMonth graphTooltip id links panels refresh schemaVersion"
    " tags templating time timepicker timezone title uid version weekStart".split()
)
PANEL = set("datasource description fieldConfig gridPos id links options targets title type".split())
ROW = set("collapsed gridPos id panels title type".split())
TARGET = set("datasource editorMode exemplar expr format instant interval legendFormat range refId".split())
ANNOTATION = set(
    "builtIn datasource enable hide iconColor name tagKeys target textFormat titleFormat type"
    " useValueForTime".split()
)
VARIABLE = set(
    "allValue current datasource definition hide includeAll label multi name options query refresh regex sort"
    " type".split()
)
# Those whose difference a colour-blind reader may not see.
CONFUSED = ("red", "green")
DEFAULTS = set("color custom decimals mappings max min noValue thresholds unit".split())
CUSTOM = {
    "timeseries": set(
        "axisLabel axisPlacement axisSoftMax axisSoftMin drawStyle fillOpacity gradientMode hideFrom"
        " lineInterpolation lineStyle lineWidth pointSize showPoints spanNulls stacking thresholdsStyle".split()
    ),
    "heatmap": {"hideFrom", "scaleDistribution"},
    "stat": set(),
}
OPTIONS = {
    "timeseries": {"legend", "tooltip"},
    "stat": set(
        "colorMode graphMode justifyMode orientation percentChangeColorMode reduceOptions showPercentChange text"
        " textMode wideLayout".split()
    ),
    "heatmap": set(
        "calculate calculation cellGap cellRadius cellValues color exemplars filterValues legend rowsFrame"
        " showValue tooltip yAxis".split()
    ),
    "text": {"code", "content", "mode"},
    "alertlist": set(
        "alertInstanceLabelFilter alertName dashboardAlerts datasource folder groupBy groupMode maxItems"
        " showInactiveAlerts sortOrder stateFilter viewMode".split()
    ),
}
# Those that show queries, and those that do not.
WITH_QUERIES = {"timeseries", "stat", "heatmap"}
UNITS = {"none", "bytes", "s", "reqps", "percentunit"}


def load():
    """All dashboards, by file name."""
    found = {}
    for name in sorted(os.listdir(os.path.join(ROOT, FOLDER))):
        expect(name.endswith(".json"), f"{FOLDER}/{name}: only dashboards (.json) belong here")
        try:
            found[name] = json.loads(read(FOLDER, name), object_pairs_hook=_no_key_twice)
        except ValueError as error:
            raise Failed(f"{FOLDER}/{name}: {error}") from error
    expect(found, f"no dashboard in {FOLDER}")
    return found


def _no_key_twice(pairs):
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"key given twice: {sorted(twice)}")
    return dict(pairs)


def queries(dashboard):
    """(panel title, query, format) of each query of the panels."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], target.get("format", "time_series")


def asked(query, rate_interval="20s", shown="5m"):
    """A query as Grafana sends it: its variables filled in. Its smallest interval is four scrapes."""
    query = query.replace("$__rate_interval", rate_interval).replace("$__range", shown)
    return query.replace("$instance", ".+")


def annotation_queries(dashboard):
    """(name, query) of the annotations that ask Prometheus."""
    for annotation in dashboard["annotations"]["list"]:
        if "target" in annotation:
            yield annotation["name"], annotation["target"]["expr"]


def check(name, dashboard, source_uid):
    """Holds one dashboard against what Grafana takes; returns what is wrong with it."""
    wrong = []

    def hold(where, condition, message):
        if not condition:
            wrong.append(f"{name}: {where}: {message}")

    def known(where, found, keys):
        for key in sorted(set(found) - keys):
            hold(where, False, f"`{key}` is not a key that is known here")

    def source(where, holder):
        expected = {"type": "prometheus", "uid": source_uid}
        hold(where, holder.get("datasource") == expected, f"its data source must be {expected}")

    known("dashboard", dashboard, DASHBOARD)
    hold("dashboard", dashboard.get("id", 0) is None, "`id` must be null: Grafana gives it")
    for key in ("uid", "title", "description"):
        hold("dashboard", dashboard.get(key), f"has no {key}")
    hold("dashboard", 39 <= dashboard.get("schemaVersion", 0) <= 42, "`schemaVersion` must be 39 to 42")
    for annotation in dashboard["annotations"]["list"]:
        where = f"annotation {annotation.get('name')}"
        known(where, annotation, ANNOTATION)
        if not annotation.get("builtIn"):
            source(where, annotation)
            hold(where, "target" in annotation, "has no query in `target`")
            known(f"{where} query", annotation.get("target", {}), TARGET)
    for variable in dashboard["templating"]["list"]:
        where = f"variable {variable.get('name')}"
        known(where, variable, VARIABLE)
        source(where, variable)
        used = [query for _, query, _ in queries(dashboard) if f"${variable['name']}" in query]
        hold(where, used, "no query uses it")
    for colour in sorted(_colours(dashboard)):
        hold("colours", not any(word in colour for word in CONFUSED), f"not everybody tells `{colour}` apart")

    ids = [panel.get("id") for panel in dashboard["panels"]]
    hold("panels", len(set(ids)) == len(ids), f"ids are given twice: {ids}")
    titles = [panel.get("title") for panel in dashboard["panels"]]
    hold("panels", len(set(titles)) == len(titles), f"titles are given twice: {titles}")
    for panel in dashboard["panels"]:
        where = f"panel `{panel.get('title')}`"
        kind = panel.get("type")
        if kind == "row":
            known(where, panel, ROW)
            hold(where, panel.get("panels") == [], "must stand open: its panels stand below it")
            continue
        if kind not in OPTIONS:
            hold(where, False, f"`{kind}` is not a panel that is known here")
            continue
        known(where, panel, PANEL)
        known(f"{where} options", panel.get("options", {}), OPTIONS[kind])
        for key in ("title", "description"):
            hold(where, panel.get(key), f"has no {key}")
        targets = panel.get("targets", [])
        hold(where, bool(targets) == (kind in WITH_QUERIES), "has no query, or one that it does not show")
        if kind in WITH_QUERIES:
            source(where, panel)
            _check_field_config(where, kind, panel, known, hold)
        references = [target.get("refId") for target in targets]
        hold(where, len(set(references)) == len(references), f"refIds are given twice: {references}")
        if kind == "timeseries":
            calcs = panel["options"]["legend"]["calcs"]
            hold(where, calcs == ["mean", "max"], f"its legend has {calcs} instead of mean and max")
        for target in targets:
            known(f"{where} query", target, TARGET)
            if kind == "stat":
                # A range would show the last value of an app that is long gone.
                hold(where, target.get("instant") is True, "shows a last value: it must ask for now")
                hold(where, panel["fieldConfig"]["defaults"].get("noValue"), "does not say why it is empty")
            source(f"{where} query", target)
            hold(where, target.get("expr"), "has an empty query")
            hold(where, bool(target.get("instant")) != bool(target.get("range")), "is neither instant nor range")
            heatmap = target.get("format") == "heatmap"
            hold(where, heatmap == (kind == "heatmap"), "the format `heatmap` is for heatmaps")

    wrong += [f"{name}: {fault}" for fault in grid_faults(dashboard["panels"])]
    return wrong


def _colours(node):
    """Every colour that a dashboard names."""
    if isinstance(node, list):
        return {colour for each in node for colour in _colours(each)}
    if not isinstance(node, dict):
        return set()
    values = [node.get(key) for key in ("color", "fixedColor", "iconColor")]
    named = {value for value in values if isinstance(value, str)}
    return named | {colour for each in node.values() for colour in _colours(each)}


def _check_field_config(where, kind, panel, known, hold):
    config = panel.get("fieldConfig", {})
    known(f"{where} fieldConfig", config, {"defaults", "overrides"})
    defaults = config.get("defaults", {})
    known(f"{where} defaults", defaults, DEFAULTS)
    known(f"{where} custom", defaults.get("custom", {}), CUSTOM[kind])
    unit = panel["options"]["yAxis"]["unit"] if kind == "heatmap" else defaults.get("unit")
    hold(where, unit in UNITS, f"its unit `{unit}` is none of {sorted(UNITS)}")
    steps = defaults.get("thresholds", {}).get("steps", [{"value": None}])
    hold(where, steps[0]["value"] is None, "its first threshold must be the base, with the value null")
    values = [step["value"] for step in steps[1:]]
    hold(where, values == sorted(values), "its thresholds must rise")
    for pattern in (each["matcher"]["options"] for each in config["overrides"] if each["matcher"]["id"] == "byRegexp"):
        # Grafana takes what begins with a slash for `/pattern/flags`.
        hold(where, not pattern.startswith("/"), f"its override `{pattern}` matches nothing: write `^{pattern}$`")


def grid_faults(panels):
    """Panels that leave the 24 columns, or lie on each other, or leave a hole above them."""
    wrong, taken = [], {}
    for panel in panels:
        grid, title = panel["gridPos"], panel["title"]
        if set(grid) != {"h", "w", "x", "y"} or grid["x"] < 0 or grid["w"] < 1 or grid["x"] + grid["w"] > 24:
            wrong.append(f"panel `{title}` leaves the grid's 24 columns: {grid}")
            continue
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                other = taken.setdefault((x, y), title)
                if other != title:
                    wrong.append(f"panel `{title}` lies on `{other}`")
                    break
            else:
                continue
            break
    for panel in panels:
        grid = panel["gridPos"]
        columns = range(grid["x"], grid["x"] + grid["w"])
        if grid["y"] and not any((x, grid["y"] - 1) in taken for x in columns):
            wrong.append(f"panel `{panel['title']}` has a hole above it")
    return wrong
