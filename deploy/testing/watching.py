"""Steps of test-stack: the stack as it runs, and what Prometheus knows of it."""

import calendar
import os
import re
import time

import dashboards
from http_json import fetch
from report import expect, wait_for
from stack import run


def first_point(stack):
    """Started from nothing: healthy, and soon a first point. The clock starts with the first container."""
    stack.up()
    started = min(_seconds(stack.container(service)["State"]["StartedAt"]) for service in stack.services)
    query = "sum(rate(requests_total[1m]))"
    wait_for("a first point", lambda: stack.prometheus.value(query) is not None, 30)
    took = time.time() - started
    expect(took <= 20, f"it came after {took:.1f} s")
    return f"after {took:.1f} s"


def _seconds(stamp):
    """Docker's time as seconds since 1970."""
    whole = time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(whole) + float("0." + re.search(r"\.(\d+)Z", stamp).group(1))


def hardened(stack):
    """What runs has a read-only root (Grafana cannot), no capabilities, and configuration it cannot change."""
    for service in stack.services:
        container = stack.container(service)
        host = container["HostConfig"]
        expect(host["ReadonlyRootfs"] or service == "grafana", f"{service} can write to its root")
        expect(host["CapDrop"] == ["ALL"], f"{service} has capabilities")
        expect(host["PidsLimit"] and host["NanoCpus"] and host["Memory"], f"{service} has no limits")
        expect(host["RestartPolicy"]["Name"] == "on-failure", f"{service} restarts {host['RestartPolicy']}")
        for mount in container["Mounts"]:
            expect(mount["Type"] != "bind" or not mount["RW"], f"{service} can write to {mount['Source']}")


def pages(stack):
    """The learner's address answers, through the gateway."""
    status, text = fetch(f"http://127.0.0.1:{stack.ports['APP_PORT']}/healthz")
    expect(status == 200, f"/healthz answered {status}: {text}")


def targets(stack, replicas=1):
    """As many replicas as there are, and Prometheus itself, are up."""

    def up():
        found = stack.prometheus.targets("treecounter")
        expect(len(found) == replicas, f"{len(found)} targets instead of {replicas}: {found}")
        found |= stack.prometheus.targets("prometheus")
        down = {instance: error for instance, (health, error) in found.items() if health != "up"}
        expect(not down, f"down: {down}")
        return True

    wait_for("the targets", up, 30)


def with_promtool(stack):
    """Prometheus's own tool, of the version that runs, on configuration, rules and tests."""
    image = stack.image("prometheus")["Id"]
    base = ["docker", "run", "--rm", "--volume", f"{stack.folder}:/tree:ro,z", "--entrypoint", "promtool", image]
    folder = "/tree/deploy/prometheus"
    tests = sorted(os.listdir(stack.path("deploy", "prometheus", "tests")))
    for arguments in (
        ["check", "config", "--lint=all", "--lint-fatal", f"{folder}/local.yml"],
        ["check", "rules", "--lint=all", "--lint-fatal", f"{folder}/rules/red.yml", f"{folder}/rules/alerts.yml"],
        ["check", "rules", "--lint=all", "--lint-fatal", "/tree/solutions/section3/alerts.yml"],
        ["test", "rules", *(f"{folder}/tests/{name}" for name in tests)],
    ):
        code, output = run(*base, *arguments)
        expect(code == 0, f"promtool {' '.join(arguments)}:\n{output}")
    stack.compose("exec", "--no-TTY", "alertmanager", "amtool", "check-config", "/etc/alertmanager/alertmanager.yml")
    for name in ("prometheus.yml", "native-histograms.yml"):
        stack.compose(
            "exec", "--no-TTY", "prometheus", "promtool", "check", "config", "--lint=all", "--lint-fatal",
            f"/etc/prometheus/{name}",
        )


def every_query(stack):
    """Each query of each dashboard, as a panel asks it: over a range, and with data in it."""

    def all_have_data():
        count, empty = 0, []
        for name, dashboard in dashboards.load().items():
            for title, query, _ in dashboards.queries(dashboard):
                asked = dashboards.asked(query)
                now = time.time()
                found = stack.prometheus.range(asked, now - 60, now, 5)
                points = [value for _, values in found for _, value in values if value == value]
                if not points:
                    empty.append(f"{name}: `{title}`: {asked}")
                count += 1
        expect(not empty, "without data:\n" + "\n".join(empty))
        return f"{count} queries"

    return wait_for("data for every query", all_have_data, 60)


def every_rule(stack):
    """Each rule is evaluated without an error, and each recording rule has a result."""

    def all_work():
        rules = stack.prometheus.rules()
        sick = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
        expect(not sick, "\n".join(sick))
        recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
        empty = [name for name in recorded if not stack.prometheus.query(f"{{__name__='{name}'}}")]
        expect(not empty, f"without a result: {empty}")
        expect(len(recorded) >= 9 and len(rules) >= 15, f"only {len(rules)} rules")
        return f"{len(rules)} rules"

    return wait_for("every rule", all_work, 60)


def figures_are_right(stack):
    """The rules' figures are the ones that the settings of app and traffic promise."""
    value = stack.prometheus.value

    def look():
        rate = value('sum(job_endpoint:requests:rate1m{endpoint!="/metrics"})')
        # The wave swings the rate by half.
        expect(9 <= rate <= 32, f"{rate:.1f} requests a second instead of 20 and a wave")
        failing = value('job_endpoint:requests_failed_per_requests:ratio_rate1m{endpoint="/treecounter"}')
        expect(0.08 <= failing <= 0.23, f"{failing:.2f} of the visits fail instead of 0.15")
        median = value('job_endpoint:request_latency_seconds:p50_rate1m{endpoint="/treecounter"}')
        expect(0.38 <= median <= 0.62, f"p50 is {median:.2f} s instead of 0.5 s")
        return f"{rate:.0f} requests/s, {failing:.0%} fail, p50 {median:.2f} s"

    return wait_for("figures", look, 90)


def memory(stack):
    """All containers together, in use."""
    used = stack.memory()
    limit = 640 if "grafana" in stack.services else 320
    expect(sum(used.values()) < limit, f"{used}")
    short = {name.removeprefix(f"{stack.name}-"): f"{mebibytes:.0f}" for name, mebibytes in used.items()}
    return f"{sum(used.values()):.0f} MiB: " + ", ".join(f"{name} {mebibytes}" for name, mebibytes in sorted(short.items()))
