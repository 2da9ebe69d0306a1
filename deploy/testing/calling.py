"""Steps of test-stack: who is told of what, and who has no say in it."""

import re
import time
import urllib.parse

from http_json import allowed_origin, fetch
from report import expect, wait_for
from watching import targets

# What a stopped app may take to be known to whoever is on call, in seconds.
MOST = 75


def firing(stack):
    """The names of the alerts that the pager shows as firing now: of each group, what came last."""
    status, page = fetch(stack.pager)
    expect(status == 200, f"the pager answered {status}")
    expect('h1 class="over"' in page or 'h1 class="fires"' in page, f"the pager shows {page}")
    if 'h1 class="over"' in page:
        return set()
    return set(re.findall(r'<article class="fires">\n<h3>(\w+)', page))


def stopped_app(stack):
    """The app stops: the telephone rings in time. It starts, and `resolved` follows."""
    reached, resolved = stop_and_start(stack)
    return f"told after {reached:.1f} s, resolved {resolved:.1f} s after its start"


def stop_and_start(stack):
    """Stops the app until the pager knows, and starts it until the pager knows. Returns both times."""
    targets(stack)
    wait_for("silence at the pager", lambda: not firing(stack), 150)
    began = time.monotonic()
    stack.compose("stop", "app")
    if "gateway" in stack.services:
        status, page = fetch(f"http://127.0.0.1:{stack.ports['APP_PORT']}/treecounter", timeout=10)
        expect(status == 502 and "docker compose start app" in page, f"the gateway answered {status}: {page}")
    wait_for("the pager", lambda: firing(stack) & {"TreecounterAbsent", "TreecounterDown"}, MOST + 45)
    reached = time.monotonic() - began
    stack.compose("start", "app")
    began = time.monotonic()
    wait_for("`resolved`", lambda: not firing(stack), 120)
    resolved = time.monotonic() - began
    targets(stack)
    expect(reached <= MOST, f"the pager was told after {reached:.1f} s")
    return reached, resolved


def silenced(stack):
    """While an alert is silenced it fires in Prometheus, and nobody is called."""
    amtool = ("exec", "--no-TTY", "alertmanager", "amtool", "--alertmanager.url=http://localhost:9093")
    silence = stack.compose(
        *amtool, "silence", "add", "alertname=~Treecounter.+", "--duration=10m", "--comment=A test", "--author=test"
    ).strip()
    before = fetch(stack.pager)[1]
    stack.compose("stop", "app")
    wait_for("an alert", lambda: "TreecounterAbsent" in stack.prometheus.firing(), MOST)
    # Longer than Alertmanager waits for a group, and than it waits between two messages of one.
    until = time.monotonic() + 20
    while time.monotonic() < until:
        expect(fetch(stack.pager)[1] == before, "the pager was told of what is silenced")
        time.sleep(1)
    stack.compose(*amtool, "silence", "expire", silence)
    wait_for("the pager, after the silence", lambda: "TreecounterAbsent" in firing(stack), 60)
    stack.compose("up", "--detach", "--wait", "app")
    wait_for("`resolved`", lambda: not firing(stack), 120)


def from_elsewhere(stack):
    """No page from elsewhere reads answers, and nobody stops or reloads Prometheus by HTTP."""
    query = f"{stack.prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': 'up'})}"
    for origin, allowed in (("http://elsewhere.example", None), ("http://localhost:3000", "http://localhost:3000")):
        found = allowed_origin(query, origin)
        expect(found == allowed, f"a page of {origin} may read: {found}")
    for action in ("quit", "reload"):
        status, _ = fetch(f"{stack.prometheus.url}/-/{action}", data=b"")
        expect(status == 403, f"POST /-/{action} answered {status}")
    status, _ = fetch(f"{stack.pager}/alerts", data=b"{}", headers={"Origin": "http://elsewhere.example"})
    expect(status == 403, f"the pager answered {status} to a page from elsewhere")
