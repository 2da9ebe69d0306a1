"""Asks a running Grafana whether it took what is provisioned. Used by smoke-grafana and test-stack."""

import base64
import json
import time

import dashboards
from http_json import fetch
from report import Failed, expect, wait_for

HOME = "treecounter-first"


class Grafana:
    """A Grafana at a URL, signed in or not."""

    def __init__(self, url, user=None, password=None):
        self.url = url
        self.headers = {"Content-Type": "application/json"}
        if user:
            secret = base64.b64encode(f"{user}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {secret}"

    def ask(self, path, body=None):
        """The JSON answer to a GET, or to a POST of `body`."""
        data = json.dumps(body).encode() if body is not None else None
        status, text = fetch(f"{self.url}{path}", data=data, headers=self.headers, timeout=15)
        if status != 200:
            raise Failed(f"{path} answered {status}: {text[:300]}")
        return json.loads(text)


def check(report, url, user, password, source_uid):
    """Runs all steps; the caller has the report."""
    learner, anyone = Grafana(url, user, password), Grafana(url)
    if not report.step("Grafana: answers", lambda: wait_for("Grafana", lambda: health(anyone), 60)):
        print(f"        Is the stack up, and is Grafana at {url}? --url names another place.")
        return
    report.step("Grafana: the login works, and may edit", sign_in, learner)
    report.step("Grafana: the data source reaches Prometheus", source, learner, source_uid)
    report.step("Grafana: the dashboards are there, under their uids", provisioned, learner)
    report.step("Grafana: the first dashboard is the home page, without a login", home, anyone)
    for name, dashboard in dashboards.load().items():
        report.step(
            f"Grafana: every query of {name} has data",
            lambda dashboard=dashboard: wait_for("data", lambda: every_query(anyone, dashboard, source_uid), 60),
        )
    report.step("Grafana: it shows Prometheus's alert rules", alert_rules, learner, source_uid)
    report.step("Grafana: a dashboard that a learner changed is saved", change, learner)


def health(grafana):
    """The version, once the database is ready."""
    found = grafana.ask("/api/health")
    expect(found.get("database") == "ok", f"health: {found}")
    return found.get("version")


def sign_in(grafana):
    """The user is an administrator."""
    expect(grafana.ask("/api/user").get("isGrafanaAdmin"), "the user is no administrator")


def source(grafana, uid):
    """The data source is provisioned and healthy."""
    found = grafana.ask(f"/api/datasources/uid/{uid}")
    expect(found["type"] == "prometheus" and found["isDefault"], f"the data source is {found}")
    status = grafana.ask(f"/api/datasources/uid/{uid}/health")
    expect(status.get("status") == "OK", f"its health: {status}")


def provisioned(grafana):
    """Each dashboard is there, from its file."""
    for name, dashboard in dashboards.load().items():
        found = grafana.ask(f"/api/dashboards/uid/{dashboard['uid']}")
        expect(found["meta"].get("provisioned"), f"{name} is there, but not from its file")
        expect(len(found["dashboard"]["panels"]) == len(dashboard["panels"]), f"{name} lost panels")


def home(grafana):
    """What opens at `/`."""
    found = grafana.ask("/api/dashboards/home")
    title = found.get("dashboard", {}).get("title")
    wanted = next(d["title"] for d in dashboards.load().values() if d["uid"] == HOME)
    expect(title == wanted, f"the home page is {title or found}")


def every_query(grafana, dashboard, uid):
    """Through Grafana's own door to the data source, as the panels do. $__rate_interval is Grafana's."""
    count = 0
    for title, query, kind in dashboards.queries(dashboard):
        now = int(time.time() * 1000)
        body = {
            "from": str(now - 15 * 60 * 1000),
            "to": str(now),
            "queries": [
                {
                    "refId": "A",
                    "datasource": {"type": "prometheus", "uid": uid},
                    # The browser fills in the variables of the dashboard, Grafana those of time.
                    "expr": query.replace("$instance", ".+"),
                    "format": kind,
                    "range": True,
                    "instant": False,
                    "intervalMs": 5000,
                    "maxDataPoints": 500,
                }
            ],
        }
        result = grafana.ask("/api/ds/query", body)["results"]["A"]
        expect(not result.get("error"), f"`{title}`: {result.get('error')}")
        points = [
            value
            for frame in result.get("frames", [])
            for column in frame["data"]["values"][1:]
            for value in column
            if value is not None
        ]
        expect(points, f"`{title}` has no data: {query}")
        count += 1
    return f"{count} queries"


def alert_rules(grafana, uid):
    """The alert list reads Prometheus's rules by this way."""
    found = grafana.ask(f"/api/prometheus/{uid}/api/v1/rules")
    names = {rule["name"] for group in found["data"]["groups"] for rule in group["rules"]}
    expect("TreecounterErrorRatioHigh" in names, f"only {sorted(names)}")


def change(grafana):
    """Saves the first dashboard with another description, as the browser would. It stays."""
    found = grafana.ask(f"/api/dashboards/uid/{HOME}")["dashboard"]
    mark = f"changed by a test, {int(time.time())}"
    body = {"dashboard": {**found, "description": mark}, "folderUid": "treecounter", "message": mark}
    grafana.ask("/api/dashboards/db", body)
    return changed(grafana) and mark


def changed(grafana):
    """Whether the change of `change` is there."""
    found = grafana.ask(f"/api/dashboards/uid/{HOME}")["dashboard"]
    expect(found["description"].startswith("changed by a test"), "the learner's change is lost")
    return True
