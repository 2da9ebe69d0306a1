"""What the tests here have in common: steps, waiting, skipping, and the way they are told."""

import os
import shutil
import sys
import textwrap
import time
import traceback

try:
    import yaml
except ImportError:
    yaml = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# In CI a tool that is missing is a fault of the machine, not a reason to look away.
CI = bool(os.environ.get("CI"))


class Failed(Exception):
    """An expectation that was not met; the text says which."""


class Report:
    """Runs the steps of a test and tells how each of them ended."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.begin = time.monotonic()

    def step(self, title, function, *arguments):
        """Runs one step. What it returns is told beside its title. True if it passed."""
        began = time.monotonic()
        try:
            note = function(*arguments)
        except (Failed, OSError) as failure:
            self.failed += 1
            self._tell("FAIL", title, began, None)
            for line in str(failure).splitlines():
                print(f"        {line}", flush=True)
            return False
        except Exception:  # a broken test is a failed one, with a place to look at
            self.failed += 1
            self._tell("FAIL", title, began, None)
            print(textwrap.indent(traceback.format_exc().strip(), "        "), flush=True)
            return False
        self.passed += 1
        self._tell("ok", title, began, note)
        return True

    def skip(self, title, why):
        """Says what is left out, and why. In CI that is a failure."""
        if CI:
            self.failed += 1
            print(f"FAIL  {title}: {why}", flush=True)
            return
        self.skipped += 1
        print(f"skip  {title}: {why}", flush=True)

    def _tell(self, word, title, began, note):
        took = time.monotonic() - began
        took = f" ({took:.0f} s)" if took >= 1 else ""
        print(f"{word:<4}  {title}{f': {note}' if note else ''}{took}", flush=True)

    def end(self):
        """The last line, and the exit code."""
        took = f"{time.monotonic() - self.begin:.0f} s"
        skipped = f", {self.skipped} left out" if self.skipped else ""
        if self.failed:
            print(f"\n{self.failed} failed{skipped}, {took}")
            return 1
        print(f"\n{'all passed' if self.passed else 'nothing was tested'}{skipped}, {took}")
        return 0


def expect(condition, message):
    """Fails the step unless the condition holds."""
    if not condition:
        raise Failed(message)


def wait_for(what, look, seconds):
    """Looks every half second until `look` returns something true, and returns it.

    `look` may raise Failed to say what it still lacks: the last of that is told if time runs out.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            found = look()
            if found:
                return found
        except (Failed, OSError) as lack:
            last = lack
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s for {what}" + (f"; the last look said: {last}" if last else ""))
        time.sleep(0.5)


def has(tool):
    """Whether a program is on the PATH."""
    return shutil.which(tool) is not None


def read(*path):
    """A file of the project, as text."""
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def read_yaml(*path):
    """A YAML file of the project, as dicts, lists and values."""
    return yaml.safe_load(read(*path))


if sys.version_info < (3, 9) or yaml is None:
    sys.exit("This test needs Python 3.9 or newer, and PyYAML: `python3 -m pip install pyyaml`.")
