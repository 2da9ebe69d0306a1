"""A tab of a Chromium without a window, driven by the DevTools protocol over two pipes."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

from report import Failed, expect

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
OPTIONS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe""".split()

# How long a command or a page may take, on a busy machine.
LIMIT = 20


def find():
    """The browser's program; None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def tab(program, profile):
    """A tab of a browser of its own, whose profile is an empty folder."""
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    # The browser reads from 3 and writes to 4; out of the way, neither is overwritten by the other.
    low = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (commands, answers)]
    process = subprocess.Popen(
        [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,  # Python's own are closed anyway, but for these two.
        preexec_fn=lambda: (os.dup2(low[0], 3), os.dup2(low[1], 4)),
    )
    for end in (commands, answers, *low):
        os.close(end)
    try:
        yield Tab(to_browser, from_browser)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_browser)
        os.close(from_browser)


class Tab:
    """Opens pages, and remembers what happened since the last one was opened."""

    def __init__(self, to_browser, from_browser):
        self._pipes = to_browser, from_browser
        self._rest = b""
        self._last = 0
        self._session = None
        self._events = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")
        self._send("Page.setLifecycleEventsEnabled", enabled=True)

    def show(self, width, height, look):
        """The size of the screen, and "light" or "dark"."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        feature = {"name": "prefers-color-scheme", "value": look}
        self._send("Emulation.setEmulatedMedia", features=[feature])

    def open(self, url):
        """Opens a page and waits until all of it is there."""
        self._events.clear()
        answer = self._send("Page.navigate", url=url)
        # An answer that is a failure is a page too.
        failed = answer.get("errorText", "")
        expect(failed in ("", "net::ERR_HTTP_RESPONSE_CODE_FAILURE"), f"{url}: {failed}")
        self._until(lambda: answer["loaderId"] in self.loads())

    def value(self, script):
        """What a script comes to; it is not bound to the page's policy."""
        answer = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        expect("exceptionDetails" not in answer, f"{script[:80]}: {answer.get('exceptionDetails')}")
        return answer["result"].get("value")

    def picture(self, path=None):
        """What is seen, as PNG; also into a file."""
        png = base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"])
        if path:
            with open(path, "wb") as file:
                file.write(png)
        return png

    def loads(self):
        """The pages that were loaded, those that the browser repeated by itself among them."""
        self._listen(0)
        return [event["loaderId"] for event in self._seen("Page.lifecycleEvent") if event["name"] == "load"]

    def requested(self):
        """Every address that was asked for."""
        return [event["request"]["url"] for event in self._seen("Network.requestWillBeSent")]

    def complaints(self):
        """What the browser has against the page: not that its status is a failure."""
        entries = [event["entry"] for event in self._seen("Log.entryAdded")]
        return [entry["text"] for entry in entries if entry["source"] != "network"]

    def _seen(self, method):
        return [event["params"] for event in self._events if event.get("method") == method]

    def _send(self, method, **parameters):
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._pipes[0], json.dumps(message).encode() + b"\0")
        answer = self._until(lambda: self._answer(message["id"]))
        expect("error" not in answer, f"{method}: {answer.get('error')}")
        return answer["result"]

    def _answer(self, number):
        return next((event for event in self._events if event.get("id") == number), None)

    def _until(self, look):
        deadline = time.monotonic() + LIMIT
        while not (found := look()):
            if time.monotonic() > deadline:
                raise Failed(f"the browser gave no answer for {LIMIT} s")
            self._listen(0.2)
        return found

    def _listen(self, seconds):
        while select.select([self._pipes[1]], [], [], seconds)[0]:
            read = os.read(self._pipes[1], 1 << 16)
            if not read:
                raise Failed("the browser ended")
            *messages, self._rest = (self._rest + read).split(b"\0")
            self._events += map(json.loads, messages)
            seconds = 0
