"""Tests the page's modules separately."""

import io

import soundfile


def parts(browser, given) -> None:
    """the parts compute correct results: Fourier transform, a growing spectrogram, events cut anywhere, words of a text, WAV"""
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
          const { Spectrogram, bandCount } = await import("./page/spectrum.js"), [whole, growing] = [new Spectrogram(), new Spectrogram()];
          const tone = Int16Array.from({ length: 30000 }, (_, index) => 9000 * Math.sin(index / 5) * Math.sin(index / 4000));
          whole.extend(tone, true);
          for (let end = 700; end < tone.length; end += 700) growing.extend(tone.slice(0, end), false);
          growing.extend(tone, true);
          const isSame = whole.frameCount === 62 && growing.frameCount === 62 && whole.bands.slice(0, 62 * bandCount).every((value, index) => value === growing.bands[index]);
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
          const { parts, Words } = await import("./page/words.js"), long = "One two. Three four five.\\n\\nSix. Seven eight nine ten eleven", pieces = [];
          for (let most = 1; most <= long.length; most++) pieces.push(parts(long, most).join("") === long && parts(long, most).every((part) => part.length <= most));
          const cut = [parts(long, 35), parts(long, 24), parts("abcdefgh", 3)];
          const words = new Words("It was **25 °C** [pause] on the well-known pier, the end.");
          words.tell([{ word: "It", start: 0, end: 1 }, { word: "was", start: 1, end: 2 }, { word: "25 °C", start: 2, end: 4 }, { word: "on", start: 5, end: 6 },
            { word: "the", start: 6, end: 7 }, { word: "well", start: 7, end: 8 }, { word: "known", start: 8, end: 9 }], false);
          words.estimate(20, true);
          const { wav } = await import("./page/sound.js");
          return { pieces, cut, isSame, difference, cuts: [...new Set(cuts)], complaint, samples, times: words.all.map((word) => [word.text, word.start, word.end, word.isKnown]),
            at: [-1, 0, 5.5, 4.5, 100].map((time) => words.at(time)), wav: [...new Uint8Array(await wav(Int16Array.of(1, -1), 24000).arrayBuffer())] };
        }""")
    assert all(result["pieces"]) and result["cut"] == [
        ["One two. Three four five.\n\n", "Six. Seven eight nine ten eleven"], ["One two. Three four ", "five.\n\nSix. Seven ", "eight nine ten eleven"], ["abc", "def", "gh"],
    ], result["cut"]
    assert result["isSame"], "a spectrogram that grows differs from one of all the sound"
    assert result["difference"] < 1e-4, result["difference"]
    assert result["cuts"] == ['[{"a":"é"},{"b":2}]'], result["cuts"]
    assert "closed before the speech had ended" in result["complaint"], result["complaint"]
    assert result["samples"] == [1, -254, -1], result["samples"]
    times = result["times"]
    assert [time[0] for time in times] == "It was **25 °C** [pause] on the well-known pier, the end.".split()
    assert times[2][1] == 2 and times[3][2] == 4 and times[2][2] == times[3][1] and times[2][3] and times[3][3], times
    assert times[4][1] == times[4][2] == 4 and not times[4][3], times
    assert times[7][1:] == [7, 9, True] and times[8][1] >= 9 and not times[8][3] and abs(times[-1][2] - 20) < 1e-6, times
    assert result["at"] == [-1, 0, 5, 4, len(times) - 1], result["at"]
    sound, rate = soundfile.read(io.BytesIO(bytes(result["wav"])), dtype="int16")
    assert rate == 24_000 and list(sound) == [1, -1]
