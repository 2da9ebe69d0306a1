"""The app and Prometheus as programs of this machine: what section 3 is without Docker."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.parse

from http_json import Prometheus, fetch
from report import ROOT, Failed, expect, has, wait_for

BROKEN = "groups:\n  - name: mine\n    rules:\n      - alert: Oops\n        expr: sum(rate(requests_total[1m])\n"

# What the lesson shows being refused, and what has no answer while all is well and has just begun.
REFUSED = {"rate(sum(requests_total)[1m])"}
EMPTY_WHEN_YOUNG_AND_WELL = ("absent(", "ALERTS{", "offset 5m")


def build(report):
    """Builds the bonus solution and returns its path."""
    if not has("cargo"):
        report.skip("what is asked of the app", "cargo is not installed")
        return None
    command = ["cargo", "build", "--quiet", "--message-format=json", "--package=solutions", "--bin=bonus"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "bonus":
            return message["executable"]

    def fail():
        raise Failed("cargo build ended without a program")

    report.step("the bonus solution builds", fail)
    return None


def free_port():
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(app, **settings):
    """Runs the app on a free port, quick and with these settings, and gives the port."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TREECOUNTER_")}
    environment |= {"TREECOUNTER_ADDR": "127.0.0.1:0", "TREECOUNTER_LATENCY_MAX_SECONDS": "0"} | settings
    process = subprocess.Popen(
        [app], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        for line in process.stdout:
            address = re.search(r"http://[^/\s]+:(\d+)/treecounter", line)
            if address:
                yield int(address.group(1))
                return
        raise Failed("the app ended without saying where it listens")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def exposed(port):
    """The names of all series that the app exposes after a visit to each kind of page."""
    for path in ("/", "/treecounter", "/nowhere", "/metrics"):
        fetch(f"http://127.0.0.1:{port}{path}")
    status, text = fetch(f"http://127.0.0.1:{port}/metrics")
    expect(status == 200, f"/metrics answered {status}")
    return set(re.findall(r"^([A-Za-z_:][\w:]*)", text, re.MULTILINE))


def check(report, app_port):
    """Runs Prometheus on local.yml, as the lesson says, with other ports."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        # The same places relative to each other, since local.yml names its rules by them.
        shutil.copytree(os.path.join(ROOT, "deploy/prometheus"), os.path.join(scratch, "deploy/prometheus"))
        learner = os.path.join(scratch, "section3-compose", "rules", "alerts.yml")
        os.makedirs(os.path.dirname(learner))
        shutil.copy(os.path.join(ROOT, "solutions", "section3", "alerts.yml"), learner)
        port = free_port()
        config = os.path.join(scratch, "deploy", "prometheus", "local.yml")
        with open(config, encoding="utf-8") as file:
            text = file.read()
        expect("localhost:8001" in text and "localhost:9090" in text, "local.yml does not scrape the usual ports")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.replace("localhost:8001", f"127.0.0.1:{app_port}").replace("localhost:9090", f"127.0.0.1:{port}"))

        log = stack.enter_context(open(os.path.join(scratch, "log"), "w+", encoding="utf-8"))
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={scratch}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle",
            ],
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        prometheus = Prometheus(f"http://127.0.0.1:{port}")

        def up():
            expect(process.poll() is None, "Prometheus ended:\n" + _tail(log))
            targets = prometheus.targets("treecounter") | prometheus.targets("prometheus")
            return len(targets) == 2 and all(health == "up" for health, _ in targets.values())

        def rules():
            found = prometheus.rules()
            names = {rule["name"] for rule in found}
            expect({"TooManyFailures", "TreecounterDown", "job_endpoint:requests:rate1m"} <= names, f"only {names}")
            sick = [f"{rule['name']}: {rule.get('lastError')}" for rule in found if rule["health"] == "err"]
            expect(not sick, "\n".join(sick))
            expect(all(rule["health"] == "ok" for rule in found), "not all rules were evaluated")
            return f"{len(found)} rules"

        def broken():
            with open(learner, "w", encoding="utf-8") as file:
                file.write(BROKEN)
            status, text = fetch(f"{prometheus.url}/-/reload", method="POST", data=b"")
            expect(status == 500, f"the reload of a broken rule answered {status}: {text}")
            expect(len(prometheus.rules()) > 10, "the rules from before are gone")

        def lesson():
            queries = re.findall(r"```promql\n(.*?)```", _lesson(), re.DOTALL)
            expect(len(queries) > 20, f"only {len(queries)} queries in the lesson")
            for query in queries:
                query = query.strip().replace("$__rate_interval", "20s")
                if query in REFUSED:
                    status, _ = fetch(f"{prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
                    expect(status == 400, f"Prometheus takes what the lesson says it refuses: {query}")
                    continue
                empty = any(mark in query for mark in EMPTY_WHEN_YOUNG_AND_WELL)
                found = prometheus.get("query", query=query)["result"]
                expect(found or empty, f"without an answer: {query}")
            return f"{len(queries)} queries"

        report.step("local.yml, without Docker: both targets are up", lambda: wait_for("both targets", up, 30) and None)
        report.step("local.yml, without Docker: every rule works", lambda: wait_for("the rules", rules, 30))
        report.step("the lesson: every query has an answer", lambda: wait_for("answers", lesson, 30))
        report.step("local.yml, without Docker: a broken rule is refused, the others stay", broken)


def _lesson():
    # Queries within a list are indented.
    with open(os.path.join(ROOT, "section3-compose", "README.md"), encoding="utf-8") as file:
        return re.sub(r"^ +", "", file.read(), flags=re.MULTILINE)


def _tail(log):
    log.seek(0)
    return log.read()[-2000:]
