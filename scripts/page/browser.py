"""Drives Chromium, and records its audio output and console messages."""

import contextlib
import mimetypes
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import BrowserContext, Page, sync_playwright

# Everything that is connected to the loudspeaker is also recorded here, sample for sample; violations of the policy are reported.
EAR = """
window.heard = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
const connect = AudioNode.prototype.connect, ears = new WeakMap();
AudioNode.prototype.connect = function (target, ...rest) {
  if (target === this.context.destination && !ears.has(this.context)) {
    const ear = this.context.createScriptProcessor(16384, 1, 1);
    ears.set(this.context, ear);
    ear.onaudioprocess = (event) => heard.push(event.inputBuffer.getChannelData(0).slice());
    connect.call(ear, target);
  }
  if (target === this.context.destination) connect.call(this, ears.get(this.context));
  return connect.call(this, target, ...rest);
};
"""


@dataclass
class Visit:
    """An open page, with its errors and responses."""

    page: Page
    errors: list[str] = field(default_factory=list)
    orders: list[dict] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)

    def heard(self) -> np.ndarray:
        """All samples that went to the loudspeaker so far, without silence at the ends, in -1...1."""
        samples = np.array(self.page.evaluate("heard.flatMap((block) => [...block])"), dtype=np.float64)
        loud = np.flatnonzero(samples)
        return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]

    def forget_heard(self) -> None:
        self.page.evaluate("heard.length = 0")

    def check(self, allowed: tuple[str, ...] = ()) -> None:
        """Checks that there were no errors, except messages with one of the allowed words."""
        errors = [error for error in self.errors if not any(word in error for word in allowed)]
        assert not errors, f"the console says {errors}"
        violations = self.page.evaluate("violations")
        assert not violations, f"the policy forbade {violations}"
        assert not self.elsewhere, f"the page asked {self.elsewhere}"


def until(page: Page, expression: str, timeout: float = 20) -> None:
    """Waits until an expression is true. (The driver's own function compiles code in the page, which the page's policy forbids.)"""
    end = time.monotonic() + timeout
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression} did not become true"
        page.wait_for_timeout(20)


class Browser:
    """Opens pages of servers, each visit with an empty browser of its own."""

    def __init__(self, microphone: Path, files: Path | None) -> None:
        self._driver = sync_playwright().start()
        self._files = files
        self.browser = self._driver.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            args=[
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}",
                "--autoplay-policy=no-user-gesture-required", "--no-sandbox",
            ],
        )

    def close(self) -> None:
        self.browser.close()
        self._driver.stop()

    @contextlib.contextmanager
    def visit(self, address: str, *, wait: bool = True, allowed: tuple[str, ...] = (), **options):
        """A visit; at its end the console must contain only allowed messages."""
        context = self.browser.new_context(**({"viewport": {"width": 1280, "height": 900}, "permissions": ["microphone", "clipboard-read", "clipboard-write"]} | options))
        context.add_init_script(EAR)
        if self._files:
            self._stand_in(context)
        visit = Visit(context.new_page())
        self._watch(visit, address)
        visit.page.set_default_timeout(20_000)
        try:
            visit.page.goto(address + "/")
            if wait:
                visit.page.wait_for_selector("#status[data-state=ready], #key-dialog[open]")
                visit.page.wait_for_selector("#model option[value=pico], #key-dialog[open]", state="attached")
            yield visit
            visit.check(allowed)
        finally:
            context.unroute_all(behavior="ignoreErrors")
            visit.page.unroute_all(behavior="ignoreErrors")
            context.close()

    @staticmethod
    def _watch(visit: Visit, address: str) -> None:
        page = visit.page
        # The recorder uses a deprecated audio node.
        page.on("console", lambda message: visit.errors.append(message.text) if message.type in ("error", "warning") and "ScriptProcessorNode" not in message.text else None)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))

        def request(asked) -> None:
            if asked.url.startswith("http") and urlsplit(asked.url).netloc != urlsplit(address).netloc:
                visit.elsewhere.append(asked.url)
            if asked.method == "POST" and asked.url.endswith("/audio/speech"):
                visit.orders.append(asked.post_data_json)

        def response(answer) -> None:
            path = urlsplit(answer.url).path
            if path == "/" or path.startswith("/page/"):
                visit.sizes[path] = int(answer.headers.get("content-length", 0))

        page.on("request", request)
        page.on("response", response)

    def _stand_in(self, context: BrowserContext) -> None:
        """Serves the files of a folder instead of the program's, with the program's policy."""

        def answer(route) -> None:
            name = urlsplit(route.request.url).path.rsplit("/", 1)[1] or "index.html"
            file = self._files / name
            original = route.fetch()
            headers = original.headers | {"content-type": mimetypes.guess_type(name)[0] or "text/plain", "content-length": str(file.stat().st_size)}
            route.fulfill(status=200, headers=headers, body=file.read_bytes())

        context.route(lambda url: urlsplit(url).path == "/" or urlsplit(url).path.startswith("/page/"), answer)
