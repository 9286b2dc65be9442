"""Speaking, playing, moving, stopping, settings, downloads and the history."""

import base64
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


def spoken(page, text: str | None = None, timeout: float = 60_000) -> None:
    """Speaks and waits until all is made."""
    speak(page, text)
    page.wait_for_selector("body[data-making=true]")
    page.wait_for_selector("body[data-making=false]", timeout=timeout)


def seconds(page) -> float:
    """Where playing stands."""
    return float(page.get_attribute("#timeline", "aria-valuenow"))


def saved(page) -> bytes:
    """What the download button gives."""
    with page.expect_download() as download:
        page.click("#download")
    return download.value.path().read_bytes()


def running(address: str) -> int:
    """Requests that the server is speaking."""
    figures = urllib.request.urlopen(f"{address}/metrics").read().decode()
    return int(re.search(r"^chatterbox_num_requests_running (\d+)", figures, re.M)[1])


def first_paint(browser, given) -> None:
    """there is something to see within a second, though the server answers nothing else; under 150 kB in all"""
    with browser.visit(given.open, wait=False) as visit:
        visit.page.route("**/v1/**", lambda route: None)
        visit.page.reload()
        expect(visit.page.locator("#text")).to_be_visible()
        expect(visit.page.locator("#speak")).to_be_enabled()
        paint = visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        assert paint and paint < 1000, f"the first paint came after {paint} ms"
        total = sum(visit.sizes.values())
        assert 30_000 < total < 150_000, f"{total} bytes: {visit.sizes}"
        print(f"page: first paint after {paint:.0f} ms, {total} bytes in {len(visit.sizes)} files")


def parts(browser, given) -> None:
    """the parts compute what they should: Fourier transform, events cut anywhere, words of a text, WAV"""
    with browser.visit(given.open) as visit:
        result = visit.page.evaluate("""async () => {
          const { FourierTransform } = await import("./page/spectrum.js"), size = 64;
          const real = Float32Array.from({ length: size }, (_, index) => Math.sin(index * index)), imaginary = new Float32Array(size), given = real.slice();
          new FourierTransform(size).transform(real, imaginary);
          let difference = 0;
          for (let bin = 0; bin < size; bin++) {
            let [x, y] = [0, 0];
            given.forEach((value, index) => {
              x += value * Math.cos(2 * Math.PI * bin * index / size);
              y -= value * Math.sin(2 * Math.PI * bin * index / size);
            });
            difference = Math.max(difference, Math.abs(x - real[bin]), Math.abs(y - imaginary[bin]));
          }
          const { events, SampleReader } = await import("./page/events.js");
          const bytes = new TextEncoder().encode('data: {"a":"é"}\\r\\n\\r\\ndata: {"b":\\ndata: 2}\\n\\n: nothing\\n\\ndata: [DONE]\\r\\n\\r\\n'), cuts = [];
          for (let cut = 0; cut <= bytes.length; cut++) {
            const body = new ReadableStream({ start(end) { end.enqueue(bytes.slice(0, cut)); end.enqueue(bytes.slice(cut)); end.close(); } });
            const all = [];
            for await (const event of events(body)) all.push(event);
            cuts.push(JSON.stringify(all));
          }
          const cutOff = new ReadableStream({ start(end) { end.enqueue(bytes.slice(0, 20)); end.close(); } });
          let complaint = "";
          try { for await (const _ of events(cutOff)); } catch (error) { complaint = error.message; }
          const reader = new SampleReader(), samples = ["AQ==", "AAL/", "//8="].flatMap((text) => [...reader.read(text)]);
          const { Words } = await import("./page/words.js"), words = new Words("It was **25 °C** [pause] on the well-known pier, the end.");
          words.tell([{ word: "It", start: 0, end: 1 }, { word: "was", start: 1, end: 2 }, { word: "25 °C", start: 2, end: 4 }, { word: "on", start: 5, end: 6 },
            { word: "the", start: 6, end: 7 }, { word: "well", start: 7, end: 8 }, { word: "known", start: 8, end: 9 }], false);
          words.estimate(20, true);
          const { wav } = await import("./page/sound.js");
          return { difference, cuts: [...new Set(cuts)], complaint, samples, times: words.all.map((word) => [word.text, word.start, word.end, word.isKnown]),
            at: [-1, 0, 5.5, 4.5, 100].map((time) => words.at(time)), wav: [...new Uint8Array(await wav(Int16Array.of(1, -1), 24000).arrayBuffer())] };
        }""")
    assert result["difference"] < 1e-4, result["difference"]
    assert result["cuts"] == ['[{"a":"é"},{"b":2}]'], result["cuts"]
    assert "cut" in result["complaint"]
    assert result["samples"] == [1, -254, -1], result["samples"]
    times = result["times"]
    assert [time[0] for time in times] == "It was **25 °C** [pause] on the well-known pier, the end.".split()
    assert times[2][1] == 2 and times[3][2] == 4 and times[2][2] == times[3][1] and times[2][3] and times[3][3], times
    assert times[4][1] == times[4][2] == 4 and not times[4][3], times
    assert times[7][1:] == [7, 9, True] and times[8][1] >= 9 and not times[8][3] and abs(times[-1][2] - 20) < 1e-6, times
    assert result["at"] == [-1, 0, 5, 4, len(times) - 1], result["at"]
    sound, rate = soundfile.read(io.BytesIO(bytes(result["wav"])), dtype="int16")
    assert rate == 24_000 and list(sound) == [1, -1]


def speech_while_it_is_made(browser, given) -> None:
    """sound plays before all is made, without a gap, sample for sample what came, and each word is marked in turn"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.evaluate("""() => {
          window.marked = [];
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
        page.wait_for_timeout(300)
        page.select_option("#format", "wav")
        made, rate = soundfile.read(io.BytesIO(saved(page)), dtype="float64")
        heard, made = visit.heard(), np.trim_zeros(made)
        assert rate == 24_000 and len(made) > 10 * rate, f"{len(made)} samples"
        assert len(heard) == len(made), f"{len(heard)} samples were played of {len(made)}"
        assert np.max(np.abs(heard - made)) < 1e-4, f"what was played differs by {np.max(np.abs(heard - made))}"
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
        print(f"page: {len(made) / rate:.1f} s played without a gap; {page.inner_text('#figures')}; {len(marked)} of {len(words)} words marked")


def moving(browser, given) -> None:
    """pausing, going on, and moving by words, by the waveform and by keys"""
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
        # Again from the beginning, from where it was at the end.
        page.click("#play")
        page.wait_for_timeout(200)
        assert seconds(page) < 1
        # The pictures show something: many bars in the accent, and a spectrogram of many colours.
        colours = page.evaluate("""() => ["wave", "spectrum"].map((id) => {
          const canvas = document.getElementById(id), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        })""")
        assert colours[0] >= 3 and colours[1] > 100, colours


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
    """every control is sent as it is set, keeps its value, and goes back to the model's own"""
    names = ["speed", "exaggeration", "cfg_weight", "temperature", "top_p", "repetition_penalty", "pauses-sentence", "pauses-paragraph"]
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, "Good morning.")
        plain = visit.orders[-1]
        assert set(plain) == {"model", "voice", "input", "response_format", "stream_format", "timestamps"}, plain
        assert plain["model"] == "pico" and plain["voice"] == "default"
        page.click("text=Fine control")
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
        page.click("text=Fine control")
        assert page.input_value("#set-speed") == "1.05" and page.input_value("#seed") == "12345"
        page.click(".control:has(#set-speed) .own")
        assert page.inner_text(".control:has(#set-speed) output") == "model's own"
        page.click("#reset")
        spoken(page)
        assert not set(visit.orders[-1]) & {"speed", "pauses", "seed", "exaggeration"}, visit.orders[-1]
        # A model of many languages offers them, and what a model has no use for cannot be set.
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
    """a seed that is kept speaks the text the same way again"""
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


def downloads(browser, given) -> None:
    """every format has the speech that was heard, whole"""
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
                offset = int(np.argmax(np.correlate(again[: 3 * 24_000], made[24_000:36_000], "valid"))) - 24_000
                likeness = np.corrcoef(again[24_000 + offset : 36_000 + offset], made[24_000:36_000])[0, 1]
                assert likeness > 0.95, f"{format} sounds otherwise: {likeness}"


def decoded(page, data: bytes) -> np.ndarray:
    """What the browser hears in a file, at 24 kHz."""
    samples = page.evaluate("""async (text) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return [...(await new OfflineAudioContext(1, 1, 24000).decodeAudioData(bytes.buffer)).getChannelData(0)];
    }""", base64.b64encode(data).decode())
    return np.array(samples)


def texts(browser, given) -> None:
    """texts come from files, pauses are put in, and a draft is there after a reload"""
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


def history(browser, given) -> None:
    """what was spoken is there after a reload, plays without the server, and can be deleted"""
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


def errors(browser, given) -> None:
    """what the server refuses, and that it is away, is told in its words"""
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
