"""The app and Prometheus as programs of this machine: what section 3 is without Docker."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

import silly
from http_json import Prometheus, fetch
from report import ROOT, Failed, expect, has, wait_for

BROKEN = "groups:\n  - name: mine\n    rules:\n      - alert: Oops\n        expr: sum(rate(requests_total[1m])\n"

# What the lesson shows being refused, and what has no answer while all is well and has just begun.
REFUSED = {"rate(sum(requests_total)[1m])", "max_over_time(vector(1)[20m:1ms])"}
# The learner's own rules record a series or two: here they are the solution's.
EMPTY_WHEN_YOUNG_AND_WELL = ("absent(", "ALERTS{", "offset 5m", "job:requests_not_found_per_requests")


def build(report, package, binary):
    """Builds one of the kit's programs and returns its path."""
    if not has("cargo"):
        report.skip(f"what is asked of {binary}", "cargo is not installed")
        return None
    command = ["cargo", "build", "--quiet", "--message-format=json", f"--package={package}", f"--bin={binary}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == binary:
            return message["executable"]

    def fail():
        raise Failed("cargo build ended without a program")

    report.step(f"{binary} builds", fail)
    return None


def free_port():
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(app, port=0, **settings):
    """Runs the app, quick and with these settings, on a free port if none is given, and gives it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TREECOUNTER_")}
    environment |= {"TREECOUNTER_ADDR": f"127.0.0.1:{port}", "TREECOUNTER_LATENCY_MAX_SECONDS": "0"}
    environment |= settings
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


class Local:
    """Prometheus on local.yml and Alertmanager on its own, as the lesson says, in a copy and on other ports."""

    def __init__(self, app_port):
        self.scratch = tempfile.mkdtemp(prefix="treecounter-local-")
        self.processes = []
        self.ports = {"9090": free_port(), "9093": free_port(), "9099": free_port(), "8001": app_port}
        # The same places relative to each other, since local.yml names its rules by them.
        shutil.copytree(os.path.join(ROOT, "deploy"), self.path("deploy"))
        self.learner = self.path("section3-compose", "rules", "alerts.yml")
        os.makedirs(os.path.dirname(self.learner))
        shutil.copy(os.path.join(ROOT, "solutions", "section3", "alerts.yml"), self.learner)
        self._move_ports("prometheus", {"8001", "9090", "9093"})
        self._move_ports("alertmanager", {"9099"})
        self.prometheus = Prometheus(f"http://127.0.0.1:{self.ports['9090']}")
        self.pager = f"http://127.0.0.1:{self.ports['9099']}"

    def path(self, *parts):
        """A file of the copy."""
        return os.path.join(self.scratch, *parts)

    def _move_ports(self, folder, wanted):
        with open(self.path("deploy", folder, "local.yml"), "r+", encoding="utf-8") as file:
            text = file.read()
            found = set(re.findall(r"^[^#\n]*localhost:(\d+)", text, re.MULTILINE))
            expect(found == wanted, f"{folder}/local.yml speaks of the ports {sorted(found)}")
            for usual in wanted:
                text = text.replace(f"localhost:{usual}", f"127.0.0.1:{self.ports[usual]}")
            file.seek(0)
            file.truncate()
            file.write(text)

    def start(self, *command):
        """Starts a program in the copy, its output in the file `log`."""
        with open(self.path("log"), "a", encoding="utf-8") as log:
            self.processes.append(subprocess.Popen(command, cwd=self.scratch, stdout=log, stderr=log))

    def start_prometheus(self):
        """With the lesson's flags."""
        self.start(
            "prometheus", "@deploy/prometheus/limits.flags", "--config.file=deploy/prometheus/local.yml",
            "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{self.ports['9090']}",
        )

    def start_alertmanager(self, workshop):
        """With the lesson's flags, and the pager."""
        self.start(workshop, "pager", "--listen", f"127.0.0.1:{self.ports['9099']}")
        self.start(
            "alertmanager", "--config.file=deploy/alertmanager/local.yml", "--storage.path=alerts",
            f"--web.listen-address=127.0.0.1:{self.ports['9093']}", "--cluster.listen-address=",
        )

    def log(self):
        """The end of what the programs wrote."""
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()[-2000:]

    def close(self):
        """Ends the programs, and removes the copy."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        shutil.rmtree(self.scratch, ignore_errors=True)


def check(report, local):
    """Whether what the lesson promises of a Prometheus without Docker is so."""
    prometheus = local.prometheus

    def up():
        expect(all(process.poll() is None for process in local.processes), "it ended:\n" + local.log())
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

    def lesson():
        queries = re.findall(r"```promql\n(.*?)```", _lesson(), re.DOTALL)
        expect(len(queries) > 20, f"only {len(queries)} queries in the lesson")
        for query in queries:
            query = query.strip().replace("$__rate_interval", "20s")
            if query in REFUSED:
                status, _ = fetch(f"{prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
                expect(status in (400, 422), f"Prometheus takes what the lesson says it refuses: {query}")
                continue
            empty = any(mark in query for mark in EMPTY_WHEN_YOUNG_AND_WELL)
            found = prometheus.get("query", query=query)["result"]
            expect(found or empty, f"without an answer: {query}")
        return f"{len(queries)} queries"

    report.step("local.yml, without Docker: both targets are up", lambda: wait_for("both targets", up, 30) and None)
    report.step("local.yml, without Docker: every rule works", lambda: wait_for("the rules", rules, 30))
    report.step("the lesson: every query has an answer", lambda: wait_for("answers", lesson, 30))
    report.step("local.yml, without Docker: silly queries", silly.hundred, prometheus, 5)


def check_broken_rule(report, local):
    """A broken rule is refused and the others stay; fixed, it is taken over. Nobody has to tell Prometheus."""

    def state(wanted):
        return local.prometheus.value("prometheus_config_last_reload_successful") == wanted

    def broken():
        with open(local.learner, encoding="utf-8") as file:
            fixed = file.read()
        with open(local.learner, "w", encoding="utf-8") as file:
            file.write(BROKEN)
        wait_for("a refusal", lambda: state(0), 30)
        expect(len(local.prometheus.rules()) > 10, "the rules from before are gone")
        with open(local.learner, "w", encoding="utf-8") as file:
            file.write(fixed + "\n")
        wait_for("the fixed file", lambda: state(1), 30)

    report.step("local.yml, without Docker: a broken rule is refused, the others stay", broken)


def check_pager(report, local, workshop, app):
    """Without Docker: a stopped app reaches the pager, and `resolved` follows. The app is stopped already."""
    local.start_alertmanager(workshop)

    def shows(text):
        expect(all(process.poll() is None for process in local.processes), "it ended:\n" + local.log())
        return text in fetch(local.pager)[1]

    def told():
        began = time.monotonic()
        wait_for("the alert at the pager", lambda: shows("TreecounterAbsent"), 75)
        expect("TreecounterDown" not in fetch(local.pager)[1], "the pager is told the same twice")
        took = time.monotonic() - began
        with running(app, local.ports["8001"]):
            wait_for("`resolved` at the pager", lambda: shows("Nothing fires</h1>"), 60)
        return f"after {took:.0f} s"

    report.step("without Docker: a stopped app reaches the pager, and is resolved", told)


def _lesson():
    # Queries within a list are indented.
    with open(os.path.join(ROOT, "section3-compose", "README.md"), encoding="utf-8") as file:
        return re.sub(r"^ +", "", file.read(), flags=re.MULTILINE)
