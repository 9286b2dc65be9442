"""Tests of texts: files, long texts, downloads, the history."""

import base64
import io

import numpy as np
import soundfile
from playwright.sync_api import expect

from browser import until
from speaking import LONG, SHORT, saved, seconds, speak, spoken


def downloads(browser, given) -> None:
    """every format contains all of the played speech"""
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, SHORT)
        page.select_option("#format", "wav")
        made, _ = soundfile.read(io.BytesIO(saved(page)))
        for format, start in [("mp3", b"\xff"), ("opus", b"OggS"), ("aac", b"\xff"), ("flac", b"fLaC"), ("pcm", b"")]:
            page.select_option("#format", format)
            data = saved(page)
            assert data.startswith(start), f"{format}: {data[:8]}"
            again = np.frombuffer(data, "<i2") / 32_768 if format == "pcm" else decoded(page, data)
            if format in ("pcm", "flac"):
                assert len(again) == len(made), f"{format} has {len(again)} samples of {len(made)}"
                assert np.max(np.abs(again - made)) < 1e-4, f"{format} differs from what was heard by {np.max(np.abs(again - made))}"
            else:
                assert abs(len(again) - len(made)) < 0.2 * 24_000, f"{format}: {len(again) / 24_000} s of {len(made) / 24_000}"
                # Encoders add a short delay: the loudest quarter of a second, a vowel, is searched around its place. In hissing
                # sounds they preserve the loudness of bands, and not the wave.
                place = max(range(2_400, len(made) - 8_400, 600), key=lambda place: np.sum(made[place : place + 6_000] ** 2))
                stretch = made[place : place + 6_000]
                begin = place - 2_400 + int(np.argmax(np.correlate(again[place - 2_400 : place + 8_400], stretch, "valid")))
                likeness = np.corrcoef(again[begin : begin + len(stretch)], stretch)[0, 1]
                assert likeness > 0.95, f"{format} sounds otherwise: {likeness}"


def decoded(page, data: bytes) -> np.ndarray:
    """The samples that the browser decodes from a file, at 24 kHz."""
    samples = page.evaluate("""async (text) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return [...(await new OfflineAudioContext(1, 1, 24000).decodeAudioData(bytes.buffer)).getChannelData(0)];
    }""", base64.b64encode(data).decode())
    return np.array(samples)


def texts(browser, given) -> None:
    """texts are read from files, pauses are inserted, and a draft is kept after a reload"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.set_input_files("#text-file", {"name": "chapter.txt", "mimeType": "text/plain", "buffer": LONG.encode()})
        until(page, "document.getElementById('text').value.length > 1000")
        assert "2," in page.inner_text("#count") and "about" in page.inner_text("#count"), page.inner_text("#count")
        page.fill("#text", "One. Two.")
        page.evaluate("document.getElementById('text').setSelectionRange(4, 4)")
        page.click("#insert-pause")
        assert page.input_value("#text") == "One. [pause:0.5s]  Two.", page.input_value("#text")
        page.reload()
        assert page.input_value("#text").startswith("One. [pause")
        page.fill("#text", "  ")
        assert page.is_disabled("#speak")


def book(browser, given) -> None:
    """a text longer than the server's limit is spoken in parts without a gap, and the page stays responsive"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.evaluate("import('./page/take.js').then(({ Take }) => (Take.partLength = 60))")
        text = "The ship was late. Nobody minded much. The evening was warm and the lamps were lit. A bell was heard."
        spoken(page, text)
        inputs = [order["input"] for order in visit.orders]
        assert len(inputs) == 3 and "".join(inputs) == text, inputs
        assert visit.orders[2]["seed"] == int(page.inner_text("#keep-seed").split()[1])
        page.click("#reader span:text-is('bell')")
        assert page.inner_text("#reader .now") == "bell" and seconds(page) > 4
        page.select_option("#format", "wav")
        made, _ = soundfile.read(io.BytesIO(saved(page)))
        for format in ["mp3", "opus", "pcm"]:
            page.select_option("#format", format)
            data = saved(page)
            again = np.frombuffer(data, "<i2") if format == "pcm" else decoded(page, data)
            assert abs(len(again) - len(made)) < 0.4 * 24_000, f"{format}: {len(again) / 24_000} s of {len(made) / 24_000}"
        page.select_option("#format", "flac")
        page.click("#download")
        expect(page.locator("#message")).to_contain_text("several FLAC files")
        # A book of half a million characters: typing in it and looking at it.
        page.evaluate("import('./page/take.js').then(({ Take }) => (Take.partLength = 80_000))")
        page.fill("#text", LONG * 170)
        longest = page.evaluate("""async () => {
          let longest = 0;
          for (let time = 0; time < 20; time++) {
            const begin = performance.now();
            document.getElementById("text").dispatchEvent(new Event("input", { bubbles: true }));
            longest = Math.max(longest, performance.now() - begin);
          }
          return longest;
        }""")
        speak(page)
        page.wait_for_selector("#play[data-waiting=false][aria-label=Pause]", timeout=60_000)
        assert len(visit.orders[-1]["input"]) <= 80_000
        until(page, "Number(document.getElementById('timeline').getAttribute('aria-valuenow')) > 1")
        page.click("#stop")
        expect(page.locator("#speak")).to_be_visible()
        print(f"page: with {len(LONG) * 170:,} characters a key takes at most {longest:.0f} ms")
        assert longest < 500


def history(browser, given) -> None:
    """spoken texts are in the history after a reload, play without the server, and can be deleted"""
    with browser.visit(given.open) as visit:
        page = visit.page
        for text in ["Good morning.", "Good evening."]:
            spoken(page, text)
            page.click("#stop" if page.is_visible("#stop") else "#back")
        expect(page.locator("#history-list li")).to_have_count(2)
        page.reload()
        expect(page.locator("#history-list li")).to_have_count(2)
        assert "Good evening." in page.inner_text("#history-list li >> nth=0")
        orders = len(visit.orders)
        visit.forget_heard()
        page.click("#history-list li >> nth=1 >> .row-main")
        page.wait_for_selector("#play[aria-label=Pause]")
        page.wait_for_selector("#play[aria-label=Play]", timeout=20_000)
        assert page.input_value("#text") == "Good morning." and len(visit.orders) == orders
        assert len(visit.heard()) > 6000, "nothing was played"
        page.click("#history-list li >> nth=0 >> .quiet")
        expect(page.locator("#history-list li")).to_have_count(1)
        page.click("#clear-history")
        expect(page.locator("#history-empty")).to_be_visible()


def broken_history(browser, given) -> None:
    """a damaged entry of the history is ignored, more can be added, and all can be cleared"""
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, "Good morning.")
        page.evaluate("""async () => {
          const database = await new Promise((done) => { const request = indexedDB.open("chatterbox", 1); request.onsuccess = () => done(request.result); });
          const transaction = database.transaction(["takes"], "readwrite");
          for (const record of [{ time: "nonsense" }, { order: { input: 7 }, seconds: "x" }]) transaction.objectStore("takes").add(record);
          await new Promise((done) => { transaction.oncomplete = done; });
          database.close();
        }""")
        page.reload()
        expect(page.locator("#history-list li")).to_have_count(1)
        spoken(page, "Good evening.")
        expect(page.locator("#history-list li")).to_have_count(2)
        page.click("#clear-history")
        expect(page.locator("#history-empty")).to_be_visible()
        left = page.evaluate("""() => new Promise((done) => {
          const request = indexedDB.open("chatterbox", 1);
          request.onsuccess = () => { request.result.transaction(["takes"]).objectStore("takes").count().onsuccess = (event) => done(event.target.result); };
        })""")
        assert left == 0, f"{left} records are left"
