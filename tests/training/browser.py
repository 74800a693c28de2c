"""Pages as a browser shows them: what chromium says of a page at some width, through its debugging protocol."""

import json
import os
import select
import shutil
import subprocess
import time

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars"
FLAGS += " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
MEASURE = """(async () => {
  const images = [...document.images];
  const decoded = await Promise.allSettled(images.map(image => image.decode()));
  const beyond = [...document.body.querySelectorAll("*")].filter(one => !one.closest(".wide") && !one.closest("svg"))
    .filter(one => one.getBoundingClientRect().right > WIDTH + 1).map(one => one.outerHTML.slice(0, 80));
  return {width: document.documentElement.scrollWidth, images: images.length, beyond: beyond,
    broken: decoded.filter(one => one.status != "fulfilled").length};
})()"""


class Browser:
    """A headless chromium with one page, spoken to over two pipes: one JSON message after another, each ended by 0.

    Args:
        profile: An empty folder.
    """

    def __init__(self, profile, patience=100):
        (child_in, self.output), (self.input, child_out) = os.pipe(), os.pipe()
        self.rest, self.number, self.events, self.end = b"", 0, [], time.monotonic() + patience
        pipes = f"exec 3<&{child_in} 4>&{child_out}; exec "  # where chromium looks for them
        command = ["bash", "-c", pipes + f"'{CHROMIUM}' {FLAGS} --user-data-dir='{profile}' about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, pass_fds=(child_in, child_out), **quiet)
        for end in (child_in, child_out):
            os.close(end)
        self.session = None
        page = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log"):
            self(f"{part}.enable")

    def __call__(self, method, **arguments):
        """Call a method of the protocol; returns its result. Events on the way are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while (found := self._next()).get("id") != self.number:
            self.events.append(found)
        assert "error" not in found, found
        return found["result"]

    def wait(self, event):
        while not any(one.get("method") == event for one in self.events):
            self.events.append(self._next())

    def _next(self):
        while b"\0" not in self.rest:
            assert select.select([self.input], [], [], max(self.end - time.monotonic(), 0))[0], "chromium says nothing"
            part = os.read(self.input, 1 << 20)
            assert part, "chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.input)
        os.close(self.output)


def seen(page, folder, width):
    """What chromium shows of a page in a window that is so many pixels wide.

    Returns:
        dict: "width" that the page needs, "images", "broken" of them, elements "beyond" the right edge, and "errors".
    """
    browser = Browser(folder / f"profile_{width}")
    try:
        browser("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        browser.events.clear()
        browser("Page.navigate", url=page.as_uri())
        browser.wait("Page.loadEventFired")
        found = browser(
            "Runtime.evaluate", expression=MEASURE.replace("WIDTH", str(width)), awaitPromise=True, returnByValue=True
        )["result"]["value"]
    finally:
        browser.close()
    wrong = [one for one in browser.events if one.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
    return {**found, "errors": [json.dumps(one["params"]) for one in wrong]}


def check_in_browser(page, folder):
    """No error, every picture decodes, and nothing is wider than the window, on a phone and on a desk."""
    for width in (390, 1280):
        found = seen(page, folder, width)
        assert found["errors"] == [] and found["broken"] == 0, found
        assert found["width"] <= width and found["beyond"] == [], found
    return found
