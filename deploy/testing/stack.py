"""A stack of its own for the test: in a copy of the tree, under its own name, on free ports."""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from http_json import Prometheus
from local_prometheus import free_port
from report import ROOT, Failed, expect

_NUMBERS = itertools.count(1)
# What does not belong to the project, if git is not there to say it.
NOT_COPIED = shutil.ignore_patterns(".git", "target", ".workshop", "__pycache__")


def run(*command, cwd=None, env=None, seconds=600):
    """Runs a program; (exit code, both of its outputs)."""
    done = subprocess.run(
        command, cwd=cwd, env=env, timeout=seconds, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout


def missing():
    """What this machine lacks for the test; nothing if it is ready."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    code, output = run("docker", "version", "--format", "{{.Server.Version}}", seconds=30)
    if code:
        return f"Docker does not run: {output.strip().splitlines()[-1]}"
    if int(re.match(r"\d+", output).group()) < 25:
        return f"Docker {output.strip()} is too old: 25 or newer"
    code, output = run("docker", "compose", "version", "--short", seconds=30)
    if code:
        return "Docker has no `docker compose`"
    return None


class Stack:
    """The stack, started from a copy of the tree so that the test may change files."""

    def __init__(self, with_grafana=False, only=()):
        self.folder = tempfile.mkdtemp(prefix="treecounter-stack-")
        self.name = f"treecounter-test-{os.getpid()}-{next(_NUMBERS)}"
        # The services that are started: all, if none are named.
        self.only = list(only)
        self.ports = {name: free_port() for name in ("APP_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "PAGER_PORT")}
        self.settings = {
            "APP": "bonus",
            "COMPOSE_PROFILES": "grafana" if with_grafana else "",
            # Faults come when the test wants them.
            "TREECOUNTER_OUTAGE_FOR_SECONDS": "0",
            **{name: str(port) for name, port in self.ports.items()},
        }
        self.prometheus = Prometheus(f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}")
        self.pager = f"http://127.0.0.1:{self.ports['PAGER_PORT']}"
        self._copy()
        self.services = self.only or self.compose("config", "--services").split()

    def _copy(self):
        code, listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
        if code:
            shutil.copytree(ROOT, self.folder, ignore=NOT_COPIED, dirs_exist_ok=True)
            return
        for path in filter(None, listed.split("\0")):
            source, target = os.path.join(ROOT, path), os.path.join(self.folder, path)
            if os.path.isfile(source):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(source, target)
        # The user of a container must be able to read what is mounted.
        os.chmod(self.folder, 0o755)

    def path(self, *parts):
        """A file of the copy."""
        return os.path.join(self.folder, *parts)

    def environment(self, **more):
        """What compose is started with: none of the caller's own settings of the stack."""
        ours = ("APP", "BIND", "TRAFFIC_RATE", "COMPOSE_", "TREECOUNTER_", "PROMETHEUS_", "GRAFANA_", "PAGER_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return kept | self.settings | {"COMPOSE_PROJECT_NAME": self.name} | more

    def compose(self, *arguments, seconds=900, **settings):
        """Runs `docker compose` in the copy; its output. Fails the step if it fails."""
        code, output = run(
            "docker", "compose", *arguments, cwd=self.folder, env=self.environment(**settings), seconds=seconds
        )
        expect(code == 0, f"docker compose {' '.join(arguments)} ended with {code}:\n{output[-3000:]}")
        return output

    def config(self):
        """The whole configuration, as Compose understands it."""
        return json.loads(self.compose("config", "--format", "json"))

    def up(self, *more, **settings):
        """Starts the services, and waits for health. Settings stay as they are given here."""
        self.settings.update(settings)
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", *more, *self.only)

    def recreate(self, service, **settings):
        """Starts one service anew, with other settings."""
        self.settings.update(settings)
        self.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", service)

    def image(self, service):
        """What `docker image inspect` says of a service's image."""
        name = self.config()["services"][service].get("image", f"{self.name}-{service}")
        return inspect_image(name)

    def container(self, service):
        """What `docker inspect` says of a service's first container."""
        identity = self.compose("ps", "--all", "--quiet", service).split()[0]
        code, output = run("docker", "inspect", identity)
        expect(code == 0, output)
        return json.loads(output)[0]

    def memory(self):
        """{container: MiB} of what runs now."""
        identities = self.compose("ps", "--quiet").split()
        code, output = run("docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *identities)
        expect(code == 0, output)
        return {line.split()[0]: _mebibytes(line.split()[1]) for line in output.splitlines()}

    def down(self):
        """Stops and removes everything. Returns how long the stop took."""
        began = time.monotonic()
        self.compose("stop")
        took = time.monotonic() - began
        self.compose("down", "--volumes", "--rmi", "local", "--remove-orphans")
        self._remove_replaced_images()
        return took

    def _remove_replaced_images(self):
        # An image that was built anew leaves the old one behind, without a name.
        label = f"label=com.docker.compose.project={self.name}"
        run("docker", "image", "prune", "--force", "--filter", label)

    def left_behind(self):
        """What Docker still has of this stack."""
        label = f"label=com.docker.compose.project={self.name}"
        found = []
        for kind, listing in (
            ("container", ("ps", "--all")),
            ("network", ("network", "ls")),
            ("volume", ("volume", "ls")),
            ("image", ("image", "ls")),
        ):
            code, output = run("docker", *listing, "--quiet", "--filter", label)
            expect(code == 0, output)
            found += [f"{kind} {identity}" for identity in output.split()]
        return found

    def close(self):
        """After whatever happened: nothing is left, no folder either. A second time it does nothing."""
        if not os.path.isdir(self.folder):
            return
        with contextlib.suppress(Failed, subprocess.TimeoutExpired):
            self.compose("down", "--volumes", "--rmi", "local", "--remove-orphans", "--timeout", "2")
            self._remove_replaced_images()
        shutil.rmtree(self.folder, ignore_errors=True)


def inspect_image(name):
    """What `docker image inspect` says."""
    code, output = run("docker", "image", "inspect", name)
    expect(code == 0, f"{name}: {output}")
    return json.loads(output)[0]


def _mebibytes(text):
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
    return float(number) * {"B": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10}[unit]
