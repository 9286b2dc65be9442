"""Tests of speaking, playing, seeking, stopping, settings, downloads and the history."""

import io
import re
import time
import urllib.request

import numpy as np
import soundfile
from playwright.sync_api import expect

from browser import until

SHORT = "The ship was late. Nobody in the harbour minded much, for the evening was warm."
LONG = " ".join(f"This is sentence number {number}, and the lamps of the harbour were lit." for number in range(1, 41))


def speak(page, text: str | None = None) -> None:
    if text is not None:
        page.fill("#text", text)
    page.click("#speak")


def spoken(page, text: str | None = None, timeout: float = 60) -> None:
    """Speaks and waits until all sound has arrived. A short speech is made faster than a selector is looked for, so the page's changes are observed."""
    page.evaluate("""() => {
      globalThis.isMade = false;
      new MutationObserver((changes, observer) => {
        if (!changes.some((change) => change.oldValue === "true") || document.body.dataset.making !== "false") return;
        globalThis.isMade = true;
        observer.disconnect();
      }).observe(document.body, { attributeFilter: ["data-making"], attributeOldValue: true });
    }""")
    speak(page, text)
    until(page, "globalThis.isMade", timeout)


def seconds(page) -> float:
    """The playing position."""
    return float(page.get_attribute("#timeline", "aria-valuenow"))


def saved(page) -> bytes:
    """The file from the download button."""
    with page.expect_download() as download:
        page.click("#download")
    return download.value.path().read_bytes()


def running(address: str) -> int:
    """Requests that the server is speaking."""
    figures = urllib.request.urlopen(f"{address}/metrics").read().decode()
    return int(re.search(r"^chatterbox_num_requests_running (\d+)", figures, re.M)[1])


def first_paint(browser, given) -> None:
    """the page is visible within a second, though the server answers nothing else; under 150 kB in all"""
    with browser.visit(given.open, wait=False, allowed=("ERR_FAILED",)) as visit:
        held = []
        visit.page.route("**/v1/**", lambda route: held.append(route))
        visit.page.reload()
        expect(visit.page.locator("#text")).to_be_visible()
        expect(visit.page.locator("#speak")).to_be_enabled()
        paint = visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        assert paint and paint < 1000, f"the first paint came after {paint} ms"
        total = sum(visit.sizes.values())
        assert 30_000 < total < 150_000, f"{total} bytes: {visit.sizes}"
        for route in held:
            route.abort()
        print(f"page: first paint after {paint:.0f} ms, {total} bytes in {len(visit.sizes)} files")


def speech_while_it_is_made(browser, given) -> None:
    """sound plays before all has arrived, without a gap and sample for sample, and each word is marked in turn"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.evaluate("""() => {
          window.marked = [];
          // How often it had nothing to play: where other programs keep this machine busy, the server may be slower than speech.
          window.dry = 0;
          new MutationObserver(([{ oldValue }]) => { if (oldValue === "false" && document.getElementById("play").dataset.waiting === "true") dry++; })
            .observe(document.getElementById("play"), { attributes: true, attributeFilter: ["data-waiting"], attributeOldValue: true });
          new MutationObserver(() => {
            const word = document.querySelector("#reader .now")?.textContent;
            if (word && word !== marked.at(-1)) marked.push(word);
          }).observe(document.getElementById("reader"), { subtree: true, attributes: true, attributeFilter: ["class"] });
        }""")
        text = SHORT + " " + " ".join(LONG.split(". ")[:6]) + "."
        speak(page, text)
        page.wait_for_selector("#play[aria-label=Pause]")
        until(page, "heard.some((block) => block.some((sample) => sample !== 0))")
        assert page.get_attribute("body", "data-making") == "true", "it played only when all was made"
        assert running(given.open) >= 1
        expect(page.locator("#figures")).to_contain_text("first sound after")
        page.wait_for_selector("#play[aria-label=Play]", timeout=90_000)
        # The recorder delivers 0.7 s at a time.
        until(page, "heard.at(-1).every((sample) => sample === 0)")
        page.select_option("#format", "wav")
        made, rate = soundfile.read(io.BytesIO(saved(page)), dtype="float64")
        heard, made = visit.heard(), np.trim_zeros(made)
        assert rate == 24_000 and len(made) > 10 * rate, f"{len(made)} samples"
        dry = page.evaluate("dry")
        assert len(heard) == len(made) or dry, f"{len(heard)} samples were played of {len(made)}"
        assert gaps(heard, made) <= dry, f"{gaps(heard, made)} gaps, though it ran dry {dry} times"
        marked = page.evaluate("marked")
        words, missed = text.split(), 0
        place = 0
        for word in marked:
            assert word in words[place:], f"{word} was marked out of turn: {marked}"
            found = words.index(word, place)
            missed += found - place
            place = found + 1
        assert len(words) - len(marked) <= 3 and missed <= 3, f"{len(marked)} of {len(words)} words were marked"
        assert "real time" in page.inner_text("#figures")
        assert not page.is_visible("#estimated"), "this model tells when its words are heard"
        print(f"page: {len(made) / rate:.1f} s played with {gaps(heard, made)} gaps where it ran dry; {page.inner_text('#figures')}; {len(marked)} of {len(words)} words marked")


def gaps(heard: np.ndarray, made: np.ndarray) -> int:
    """How often the played sound has silence that the received sound does not have; everything else must be the same."""
    count, place = 0, 0
    while place < len(made):
        part = heard[place : len(made)]
        different = np.flatnonzero(np.abs(part - made[place : place + len(part)]) > 1e-4)
        if not len(different):
            assert len(part) == len(made) - place, f"{len(made) - place - len(part)} samples were not played"
            return count
        place += int(different[0])
        silence = int(np.argmax(heard[place:] != 0))
        assert silence > 0, f"what was played is something else after {place / 24_000:.2f} s"
        heard = np.delete(heard, slice(place, place + silence))
        count += 1
    return count


def moving(browser, given) -> None:
    """pausing, continuing, and moving by words, by the waveform and by keys"""
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, SHORT)
        page.click("#play")
        page.wait_for_selector("#play[aria-label=Play]")
        stands = seconds(page)
        page.wait_for_timeout(250)
        assert seconds(page) == stands, "it went on though it was paused"
        page.click("#reader span:text-is('minded')")
        there = seconds(page)
        assert page.inner_text("#reader .now") == "minded" and there > 1, there
        page.focus("#reader")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#reader .now").startswith("much") and seconds(page) > there
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#reader .now") == "minded"
        page.focus("#timeline")
        for key, test in [("Home", lambda now: now == 0), ("ArrowRight", lambda now: abs(now - 1) < 0.11), ("End", lambda now: now > 3), ("ArrowLeft", lambda now: now > 2)]:
            page.keyboard.press(key)
            page.wait_for_timeout(50)
            assert test(seconds(page)), f"{key}: {seconds(page)}"
        box = page.locator("#timeline").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
        whole = float(page.get_attribute("#timeline", "aria-valuemax"))
        page.wait_for_timeout(50)
        assert abs(seconds(page) - whole / 2) < 0.1, f"{seconds(page)} of {whole}"
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Space")
        page.wait_for_selector("#play[aria-label=Pause]")
        page.click("#back")
        page.wait_for_timeout(300)
        assert seconds(page) < 1
        page.wait_for_selector("#play[aria-label=Play]", timeout=20_000)
        # From the end it starts again from the beginning.
        page.click("#play")
        page.wait_for_timeout(200)
        assert seconds(page) < 1
        # The pictures are not empty: many bars in the accent colour, and a spectrogram with many colours.
        colours = page.evaluate("""() => ["wave", "spectrum"].map((id) => {
          const canvas = document.getElementById(id), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        })""")
        assert colours[0] >= 3 and colours[1] > 100, colours


def estimated(browser, given) -> None:
    """estimated times are marked as such, with a message"""
    with browser.visit(given.open) as visit:
        page = visit.page

        def guess(route) -> None:
            answer = route.fetch()
            assert '"estimated":false' in answer.text()
            route.fulfill(response=answer, body=answer.text().replace('"estimated":false', '"estimated":true'))

        page.route("**/v1/audio/speech", guess)
        spoken(page, SHORT)
        expect(page.locator("#estimated")).to_be_visible()
        page.click("#reader span:text-is('minded')")
        assert page.get_attribute("#reader", "data-estimated") == "true"
        assert "dashed" in page.evaluate("getComputedStyle(document.querySelector('#reader .now')).textDecoration")
        # If the server sends them, they are not estimated.
        page.unroute_all()
        spoken(page)
        expect(page.locator("#estimated")).to_be_hidden()
        page.click("#reader span:text-is('minded')")
        assert page.get_attribute("#reader", "data-estimated") == "false"


def stop(browser, given) -> None:
    """the stop button frees the server at once"""
    with browser.visit(given.open) as visit:
        page = visit.page
        speak(page, LONG * 5)
        page.wait_for_selector("#play[data-waiting=false][aria-label=Pause]")
        assert running(given.open) == 1
        page.click("#stop")
        begin = time.monotonic()
        while running(given.open):
            assert time.monotonic() - begin < 1, "the server still speaks after a second"
        print(f"page: the server was free {1000 * (time.monotonic() - begin):.0f} ms after the click")
        expect(page.locator("#speak")).to_be_visible()
        expect(page.locator("#play[aria-label=Play]")).to_be_visible()
        expect(page.locator("#message")).to_be_hidden()
        # And with the escape key.
        speak(page, LONG)
        page.wait_for_selector("#stop:visible")
        page.keyboard.press("Escape")
        expect(page.locator("#speak")).to_be_visible()


def settings(browser, given) -> None:
    """every control is sent as it is set, keeps its value, and can be reset to the model's own"""
    names = ["speed", "exaggeration", "cfg_weight", "temperature", "top_p", "repetition_penalty", "pauses-sentence", "pauses-paragraph"]
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, "Good morning.")
        plain = visit.orders[-1]
        assert set(plain) == {"model", "voice", "input", "response_format", "stream_format", "timestamps"}, plain
        assert plain["model"] == "pico" and plain["voice"] == "default"
        page.click("text=Advanced")
        for name in names:
            assert page.inner_text(f".control:has(#set-{name}) output") == "model's own"
            assert len(page.inner_text(f"#set-{name}-help")) > 10
            page.focus(f"#set-{name}")
            page.keyboard.press("ArrowLeft" if name == "top_p" else "ArrowRight")
        page.fill("#seed", "12345")
        voices = page.eval_on_selector_all("#voice option", "options => options.map((option) => option.value)")
        assert voices[0] == "default" and "slt" in voices, voices
        page.select_option("#voice", "slt")
        assert page.is_disabled("#language") and page.input_value("#language") == "en"
        spoken(page)
        order = visit.orders[-1]
        expected = {"speed": 1.05, "exaggeration": 0.55, "cfg_weight": 0.55, "temperature": 0.85, "top_p": 0.95, "repetition_penalty": 1.25,
                    "pauses": {"sentence": 0.4, "paragraph": 0.8}, "seed": 12345, "voice": "slt"}
        assert {name: order.get(name) for name in expected} == expected, order
        page.reload()
        page.wait_for_selector("#status[data-state=ready]")
        until(page, "document.getElementById('voice').value === 'slt'")
        page.click("text=Advanced")
        assert page.input_value("#set-speed") == "1.05" and page.input_value("#seed") == "12345"
        page.click(".control:has(#set-speed) .own")
        assert page.inner_text(".control:has(#set-speed) output") == "model's own"
        page.click("#reset")
        spoken(page)
        assert not set(visit.orders[-1]) & {"speed", "pauses", "seed", "exaggeration"}, visit.orders[-1]
        # A model of many languages offers them, and options that a model does not use cannot be set.
        page.evaluate("""async () => {
          const { Settings } = await import("./page/settings.js");
          const list = document.getElementById("delivery");
          list.replaceChildren();
          window.other = new Settings();
          other.showModels([{ id: "big", state: "inactive", languages: ["en", "de"], ignores: ["exaggeration"], voices: [] }]);
        }""")
        page.select_option("#language", "de")
        assert page.evaluate("other.fields.language") == "de" and page.is_disabled("#delivery #set-exaggeration")
        assert page.is_enabled("#delivery #set-speed")


def same_seed(browser, given) -> None:
    """a stored seed speaks the text the same way again"""
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, "Good morning.")
        page.select_option("#format", "wav")
        first = saved(page)
        spoken(page)
        assert saved(page) != first, "two seeds were drawn, and speech is the same"
        page.click("#keep-seed")
        kept = page.input_value("#seed")
        spoken(page)
        second = saved(page)
        assert visit.orders[-1]["seed"] == int(kept)
        spoken(page)
        assert saved(page) == second


def errors(browser, given) -> None:
    """the page shows the server's error message, and that the server cannot be reached"""
    with browser.visit(given.open, allowed=("404", "ERR_", "429")) as visit:
        page = visit.page
        page.evaluate("""() => {
          const menu = document.getElementById("voice");
          menu.append(new Option("nobody", "nobody"));
          menu.value = "nobody";
        }""")
        speak(page, "Good morning.")
        expect(page.locator("#message")).to_contain_text("There is no voice nobody here")
        page.route("**/v1/**", lambda route: route.abort())
        page.select_option("#voice", "default")
        speak(page, "Good morning.")
        expect(page.locator("#message")).to_have_text("The server cannot be reached.")
        page.wait_for_selector("#status[data-state=away]", timeout=10_000)
        page.unroute("**/v1/**")
        page.wait_for_selector("#status[data-state=ready]", timeout=10_000)


def without_figures(browser, given) -> None:
    """if a proxy hides the metrics, the server is still shown as ready; if nothing answers, as unreachable"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.route("**/v1/metrics", lambda route: route.fulfill(status=404, body="<html>not found</html>"))
        page.reload()
        expect(page.locator("#status-text")).to_have_text("The server is ready")
        expect(page.locator("#status")).to_have_attribute("data-state", "ready")
        page.unroute("**/v1/metrics")
        page.route("**/v1/ready", lambda route: route.abort())
        page.reload()
        expect(page.locator("#status-text")).to_have_text("The server cannot be reached")
        visit.errors.clear()


def warnings(browser, given) -> None:
    """a warning is shown decoded, not as it is encoded in a header"""
    with browser.visit(given.open) as visit:
        page = visit.page

        def warn(route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, headers=answer.headers | {"x-chatterbox-warning": "no %C5%81, 50 %25"})

        page.route("**/v1/audio/speech", warn)
        spoken(page, "Good morning.")
        expect(page.locator("#message")).to_have_text("no Ł, 50 %")
