"""HTTP with the standard library: a page as text, and Prometheus's API as values."""

import json
import urllib.error
import urllib.parse
import urllib.request

from report import Failed

# A proxy of this machine has no part in what runs on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url, data=None, headers=None, method=None, timeout=5):
    """(status, text) of a page, also of one that says no."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def allowed_origin(url, origin):
    """Which origin a browser would let read the answer, when a page of `origin` asks."""
    request = urllib.request.Request(url, headers={"Origin": origin})
    with _OPENER.open(request, timeout=5) as answer:
        return answer.headers["Access-Control-Allow-Origin"]


class Prometheus:
    """A Prometheus at a URL."""

    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        """The data of an API answer."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        status, text = fetch(f"{self.url}/api/v1/{path}{query}")
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise Failed(f"Prometheus answered {status}: {text[:200]}") from error
        if answer["status"] != "success":
            raise Failed(f"Prometheus: {answer['error']}: {parameters}")
        return answer["data"]

    def query(self, query, time=None):
        """[(labels, value)] of an instant query."""
        more = {"time": time} if time else {}
        found = self.get("query", query=query, **more)["result"]
        return [(item["metric"], float(item["value"][1])) for item in found if "value" in item]

    def value(self, query):
        """The value of a query with one result; None without."""
        found = self.query(query)
        return found[0][1] if found else None

    def range(self, query, start, end, step):
        """[(labels, [(time, value)])] of a range query."""
        found = self.get("query_range", query=query, start=start, end=end, step=step)["result"]
        return [(item["metric"], [(t, float(v)) for t, v in item["values"]]) for item in found]

    def selectors(self, query):
        """[(metric, window in milliseconds, or None)] of all that a query reads, as Prometheus parses it."""
        found = []

        def walk(node):
            if isinstance(node, list):
                for each in node:
                    walk(each)
            elif isinstance(node, dict):
                if node.get("type") in ("vectorSelector", "matrixSelector"):
                    names = [each["value"] for each in node["matchers"] if each["name"] == "__name__"]
                    found.append((node["name"] or "".join(names), node.get("range")))
                for each in node.values():
                    walk(each)

        walk(self.get("parse_query", query=query))
        return found

    def targets(self, job):
        """{instance: (health, last error)} of a job."""
        found = self.get("targets", state="active")["activeTargets"]
        return {
            target["labels"]["instance"]: (target["health"], target["lastError"])
            for target in found
            if target["labels"]["job"] == job
        }

    def rules(self):
        """All rules, with their group's name and file in `group` and `file`."""
        return [
            {**rule, "group": group["name"], "file": group["file"]}
            for group in self.get("rules")["groups"]
            for rule in group["rules"]
        ]

    def firing(self):
        """The names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"}
