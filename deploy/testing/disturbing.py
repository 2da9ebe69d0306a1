"""Steps of test-stack: what happens to the stack, and what it makes of it."""

import re
import time

import dashboards
from http_json import fetch
from local_prometheus import BROKEN
from report import expect, read, wait_for
from stack import run
from watching import targets

VISITS = 'requests_total{job="treecounter", endpoint="/treecounter"}'
LEARNER = ("section3-compose", "rules", "alerts.yml")


def fires(stack, *names, within):
    """Waits until all these alerts fire."""

    def look():
        firing = stack.prometheus.firing()
        expect(set(names) <= firing, f"only these fire: {sorted(firing)}")
        return True

    wait_for(f"{names} to fire", look, within)


def quiet(stack, within):
    """Waits until no alert fires."""

    def look():
        firing = stack.prometheus.firing()
        expect(not firing, f"these fire: {sorted(firing)}")
        return True

    wait_for("silence", look, within)


def write_rules(stack, text):
    """Saves the learner's file, as an editor does."""
    with open(stack.path(*LEARNER), "w", encoding="utf-8") as file:
        file.write(text)


def broken_rule(stack):
    """A broken file: refused, seen as an alert, and all other rules go on."""
    write_rules(stack, BROKEN)
    fires(stack, "PrometheusConfigurationRefused", within=40)
    expect(len(stack.prometheus.rules()) >= 15, "rules were lost")
    code, output = run(
        "docker", "compose", "exec", "--no-TTY", "prometheus", "promtool", "check", "config",
        "/etc/prometheus/prometheus.yml", cwd=stack.folder, env=stack.environment(),
    )
    expect(code != 0 and "alerts.yml" in output, f"promtool does not say where the fault is: {output}")


def broken_rule_at_start(stack):
    """The same file when Prometheus starts: it comes up with the kit's rules, and says so."""
    stack.recreate("prometheus")
    files = {rule["file"] for rule in stack.prometheus.rules()}
    expect(files and all("/etc/prometheus/rules/" in file for file in files), f"rules from {files}")
    fires(stack, "PrometheusConfigurationRefused", within=40)
    log = stack.compose("logs", "prometheus")
    expect("Starting without the rules in section3-compose/rules" in log, "the log does not say it")
    targets(stack)


def fixed_rule(stack):
    """The solution in its place: taken over without a restart, and the alert goes."""
    write_rules(stack, read("solutions", "section3", "alerts.yml"))

    def loaded():
        rules = {rule["name"]: rule for rule in stack.prometheus.rules()}
        expect("TooManyFailures" in rules, "the learner's rule is not there")
        return rules["TooManyFailures"]["health"] == "ok"

    wait_for("the learner's rule", loaded, 30)
    quiet(stack, within=30)


def fixed_to_what_it_was(stack):
    """Broken, and then the same to the letter again, which looks to Prometheus as if nothing was fixed."""
    write_rules(stack, BROKEN)
    fires(stack, "PrometheusConfigurationRefused", within=40)
    fixed_rule(stack)


def faults(stack):
    """Every visit fails, and takes long: three alerts fire, the learner's among them."""
    stack.recreate("app", TREECOUNTER_FAILURE_RATE="1", TREECOUNTER_LATENCY_MAX_SECONDS="4")
    fires(stack, "TreecounterErrorRatioHigh", "TreecounterSlow", "TooManyFailures", within=120)
    for name, dashboard in dashboards.load().items():
        for title, query in dashboards.annotation_queries(dashboard):
            expect(stack.prometheus.query(dashboards.asked(query)), f"{name}: the annotation `{title}` shows nothing")
    alerts = stack.prometheus.get("alerts")["alerts"]
    summaries = {alert["labels"]["alertname"]: alert["annotations"]["summary"] for alert in alerts}
    return summaries["TreecounterErrorRatioHigh"]


def healthy_again(stack):
    """The faults end, and so do the alerts."""
    stack.recreate("app", TREECOUNTER_FAILURE_RATE="0.15", TREECOUNTER_LATENCY_MAX_SECONDS="1")
    quiet(stack, within=150)


def outage(stack):
    """The outage that the stack has by default, here sooner, is one."""
    stack.recreate("app", TREECOUNTER_OUTAGE_EVERY_SECONDS="3600", TREECOUNTER_OUTAGE_FOR_SECONDS="3600")
    status, _ = fetch(f"http://127.0.0.1:{stack.ports['APP_PORT']}/treecounter", timeout=10)
    expect(status == 503, f"in an outage /treecounter answered {status}")
    stack.recreate("app", TREECOUNTER_OUTAGE_FOR_SECONDS="0")


def restart(stack):
    """The app restarts: its counter falls, `rate` does not."""

    def visits():
        return stack.prometheus.value(f"sum({VISITS})")

    def enough():
        count = visits() or 0
        return count if count > 200 else None

    before = wait_for("200 visits", enough, 60)
    stack.compose("restart", "app")
    began = time.time()

    def fallen():
        now = visits()
        expect(now is not None and now < before, f"{now} visits, {before} before the restart")
        return f"the counter fell from {before:.0f} to {now:.0f}"

    fell = wait_for("the counter to fall", fallen, 30)
    wait_for("forty seconds of new samples", lambda: time.time() - began > 40, 60)
    found = stack.prometheus.range(f"sum(rate({VISITS}[1m]))", began - 10, time.time(), 5)
    rates = [rate for _, values in found for _, rate in values]
    expect(rates and min(rates) > 3 and max(rates) < 40, f"the rate was bent by the restart: {rates}")
    expect(stack.prometheus.value(f"max(resets({VISITS}[2m]))") >= 1, "the counter has no reset")
    return f"{fell}, the rate stayed within {min(rates):.1f} and {max(rates):.1f}"


def started_again(stack):
    """Prometheus ends by a fault of its own: Docker starts it again, with what it had measured."""
    started = stack.container("prometheus")["State"]["StartedAt"]
    # Go ends with a code of 2 by this signal.
    stack.compose("exec", "--no-TTY", "prometheus", "sh", "-c", "kill -QUIT 1")

    def again():
        state = stack.container("prometheus")["State"]
        return state["StartedAt"] != started and state["Health"]["Status"] == "healthy"

    wait_for("another start", again, 60)
    targets(stack)
    expect(stack.prometheus.query("up", time=time.time() - 60), "the measurements from before are gone")


def hung(stack):
    """The app hangs: it is still found, so `up` is 0."""
    stack.compose("pause", "app")
    try:
        fires(stack, "TreecounterDown", within=90)
        errors = [error for _, error in stack.prometheus.targets("treecounter").values()]
        expect(any(errors), "Prometheus does not say why the target is down")
    finally:
        stack.compose("unpause", "app")
    targets(stack)
    # Docker asks every ten seconds; until then it takes the app for unhealthy.
    wait_for("health", lambda: stack.container("app")["State"]["Health"]["Status"] == "healthy", 30)


def scale(stack):
    """Three replicas: found, scraped, visited, and added up."""
    stack.up("--scale", "app=3")
    targets(stack, replicas=3)
    value = stack.prometheus.value

    def visited():
        each = stack.prometheus.query(f"sum by (instance) (rate({VISITS}[30s]))")
        rates = [rate for _, rate in each]
        expect(len(rates) == 3 and min(rates) > 1, f"visits per second by replica: {rates}")
        expect(max(rates) < 2 * min(rates), f"the load is not spread: {rates}")
        return rates

    rates = wait_for("visits to each replica", visited, 90)
    expect(value(f"count(job_endpoint:requests:rate1m{{endpoint='/treecounter'}})") == 1, "the rules do not add up")
    expect(value("count(up{job='treecounter'} == 1)") == 3, "not three are up")
    # Behind the one address that the learner knows stand all three.
    url = f"http://127.0.0.1:{stack.ports['APP_PORT']}/metrics"
    replicas = {re.search(r"^process_start_time_seconds (\S+)", fetch(url)[1], re.MULTILINE).group(1) for _ in range(9)}
    expect(len(replicas) == 3, f"the gateway leads to {len(replicas)} of 3 replicas")
    return "visits per second: " + ", ".join(f"{rate:.1f}" for rate in rates)


def scale_back(stack):
    """Back to one: the others are forgotten without an alarm."""
    stack.up("--scale", "app=1")
    targets(stack)
    expect("TreecounterDown" not in stack.prometheus.firing(), "those that were removed are reported as down")


def native_histograms(stack):
    """The option for the bonus: the same quantile from one native series."""
    stack.recreate("prometheus", PROMETHEUS_CONFIG="native-histograms.yml")
    value = stack.prometheus.value

    def look():
        native = value('histogram_quantile(0.5, sum(rate(request_latency_seconds{endpoint="/treecounter"}[30s])))')
        classic = value(
            'histogram_quantile(0.5, sum by (le) (rate(request_latency_seconds_bucket{endpoint="/treecounter"}[30s])))'
        )
        expect(native and classic, f"native: {native}, classic: {classic}")
        expect(abs(native - classic) < 0.05, f"native: {native}, classic: {classic}")
        return f"p50 {native:.2f} s, classic {classic:.2f} s"

    return wait_for("a native histogram", look, 60)


def second_up(stack):
    """Down and up again on the old volumes: healthy, and what was measured is still there."""
    before = time.time()
    stack.compose("down")
    stack.up(PROMETHEUS_CONFIG="prometheus.yml")
    targets(stack)
    expect(stack.prometheus.query("up", time=before - 10), "the measurements from before are gone")


def down(stack):
    """A clean stop within seconds, and nothing is left."""
    took = stack.down()
    expect(took <= 15, f"the stop took {took:.0f} s")
    left = stack.left_behind()
    expect(not left, f"left behind: {left}")
    return f"stopped in {took:.1f} s"
