#!/usr/bin/env python3
"""Takes a picture of a page once it shows a text: screenshot.py URL TEXT WIDTH HEIGHT FILE.png

Chromium's own --screenshot takes a page when it has loaded, which for one that is filled from a stream is too early. So this
speaks the DevTools protocol, over the pipe that Chromium has for it (messages of JSON that end in a zero byte).
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 60


class Page:
    """A page of a browser of its own."""

    def __init__(self, profile, width, height):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def hand_over():
            # The browser reads from 3 and writes to 4; moved out of their way first, should they be one of these.
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
                   f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"]
        self._process = subprocess.Popen(command, preexec_fn=hand_over, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._pending, self._number = b"", 0
        target = next(each for each in self._ask("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]

    def _ask(self, method, session=None, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._pending:
                data = os.read(self._read, 1 << 16)
                if not data:
                    sys.exit("error: chromium ended")
                self._pending += data
            text, _, self._pending = self._pending.partition(b"\0")
            answer = json.loads(text)
            if answer.get("id") == self._number:
                if "error" in answer:
                    sys.exit(f"error: {method}: {answer['error']['message']}")
                return answer["result"]

    def ask(self, method, **parameters):
        return self._ask(method, self._session, **parameters)

    def close(self):
        self._ask("Browser.close")
        self._process.wait()


def main():
    url, text, width, height, path = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(profile, width, height)
        page.ask("Emulation.setDeviceMetricsOverride", width=int(width), height=int(height), deviceScaleFactor=1, mobile=False)
        page.ask("Page.navigate", url=url)
        end = time.monotonic() + PATIENCE_SECONDS
        while text not in page.ask("Runtime.evaluate", expression="document.body?.innerText ?? ''")["result"]["value"]:
            if time.monotonic() > end:
                shown = page.ask("Runtime.evaluate", expression="document.body.innerText")["result"]["value"]
                sys.exit(f"error: {url} does not show `{text}` after {PATIENCE_SECONDS} s, but:\n{shown}")
            time.sleep(0.2)
        picture = page.ask("Page.captureScreenshot", format="png")["data"]
        page.close()
    with open(path, "wb") as file:
        file.write(base64.b64decode(picture))


if __name__ == "__main__":
    main()
