"""Steps of test-stack: what is configured and built."""

import json
import os
import re
import time

from report import expect, read
from stack import inspect_image, run

MIB = 2**20


def check_config(stack):
    """What Compose understands is what was meant: loopback, health, limits, no privileges, pinned."""
    stack.compose("config", "--quiet")
    limits = 0
    for name, service in stack.config()["services"].items():
        expect(service.get("healthcheck", {}).get("test"), f"{name} has no health check")
        expect(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
        expect("no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges")
        for limit in ("mem_limit", "pids_limit", "cpus", "restart"):
            expect(service.get(limit), f"{name} has no {limit}")
        for mount in service.get("tmpfs", []):
            expect("size=" in mount, f"{name} may fill the memory by {mount}")
        limits += int(service["mem_limit"])
        for port in service.get("ports", []):
            expect(port.get("host_ip") == "127.0.0.1", f"{name} publishes {port} beyond this machine")
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                expect(mount.get("read_only"), f"{name} may write to {mount['source']}")
                expect(os.path.isdir(mount["source"]), f"{name}: {mount['source']} is no directory")
        if "image" in service:
            expect(re.search(r":v?\d+\.\d+\.\d+$", service["image"]), f"{service['image']} is not pinned")
    expect(limits < 730 * MIB, f"the limits add up to {limits / MIB:.0f} MiB")
    by_default = stack.environment()
    del by_default["TREECOUNTER_OUTAGE_FOR_SECONDS"]
    _, config = run("docker", "compose", "config", "--format", "json", cwd=stack.folder, env=by_default)
    outage = json.loads(config)["services"]["app"]["environment"]
    every, lasts = (float(outage[f"TREECOUNTER_OUTAGE_{key}_SECONDS"]) for key in ("EVERY", "FOR"))
    # Seven seconds until the ratio is above the objective, then thirty for `for`.
    expect(every - lasts + 45 < 300 and lasts > 10, "by default there is nothing to see within five minutes")
    schedule = read("workshop", "src", "commands", "traffic", "schedule.rs")
    wave = float(re.search(r"const WAVE: f64 = ([\d.]+);", schedule).group(1))
    expect(every % wave and wave % every, "every outage falls into the same part of the traffic's wave")
    everything = stack.compose("config", "--services", COMPOSE_PROFILES="grafana").split()
    without = stack.compose("config", "--services", COMPOSE_PROFILES="").split()
    expect(set(everything) - set(without) == {"grafana"}, f"the profile leaves out {set(everything) - set(without)}")
    expect("COMPOSE_PROFILES=grafana" in read(".env").splitlines(), ".env does not switch Grafana on")
    return f"limits {limits / MIB:.0f} MiB"


def unknown_app(stack):
    """A name that is none fails the build, and is told which names there are."""
    code, output = run("docker", "compose", "build", "app", cwd=stack.folder, env=stack.environment(APP="section9"))
    expect(code != 0, "a build of section9 passed")
    for name in ("section9", "section1-expose", "section3-compose", "bonus-histogram", "section2", "bonus"):
        expect(name in output, f"the message does not name {name}:\n{output}")


def build(stack):
    """All images."""
    stack.compose("build")


def images(stack):
    """One program on its base: small, without a shell, not as root."""
    base = re.search(r"^FROM (\S+) AS base$", read("deploy", "Dockerfile"), re.MULTILINE).group(1)
    size = inspect_image(base)["Size"]
    told = []
    # The budget is the app's; the other program is the whole of `cargo workshop`.
    for service, most in (("app", 4), ("gateway", 10), ("pager", 10), ("traffic", 10)):
        image = stack.image(service)
        more = (image["Size"] - size) / MIB
        told.append(f"{service} {more:.1f}")
        expect(more <= most, f"{service} is {more:.1f} MiB beyond its base")
        expect(image["Config"]["User"] == "65532:65532", f"{service} runs as {image['Config']['User']}")
        code, _ = run("docker", "run", "--rm", "--entrypoint", "/bin/sh", image["Id"], "-c", "true")
        expect(code != 0, f"{service} has a shell")
    return "MiB beyond the base: " + ", ".join(told)


def one_line_edit(stack):
    """A learner changes a line, and everything is built again: only the app is, and soon."""
    stack.compose("build", APP="section3-compose")
    before = {service: stack.image(service)["Id"] for service in ("app", "gateway", "pager", "traffic")}
    took = _edit_and_build(stack, "Requests answered, by status and endpoint.", "Answers, by status and endpoint.")
    if took > 15:
        # A machine that does something else at the same time gets a second chance.
        took = _edit_and_build(stack, "Answers, by status and endpoint.", "Answers, all of them.")
    after = {service: stack.image(service)["Id"] for service in before}
    # What comes after this step wants the bonus, however this one ends.
    stack.compose("build", "app")
    expect(after["app"] != before["app"], "the app's image is the old one")
    for service in ("gateway", "pager", "traffic"):
        expect(after[service] == before[service], f"{service} was built anew as well")
    expect(took <= 15, f"it took {took:.1f} s")
    return f"built in {took:.1f} s"


def _edit_and_build(stack, old, new):
    source = stack.path("section3-compose", "src", "main.rs")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    edited = text.replace(f'"{old}"', f'"{new}"')
    expect(edited != text, f"section3-compose/src/main.rs has no {old!r}: this test knows another one")
    with open(source, "w", encoding="utf-8") as file:
        file.write(edited)
    began = time.monotonic()
    stack.compose("build", APP="section3-compose")
    return time.monotonic() - began
