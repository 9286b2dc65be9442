"""The judge: Moonshine tiny, and how far what it hears is from what was to be said."""
import re

import numpy

RATE = 16_000
# Differences in writing that are none in hearing: stress, spaces, punctuation, and vowels and taps that swing.
FOLDED = str.maketrans({"ᵻ": "ɪ", "ᵊ": "ə", "T": "t", "ɾ": "t", "ɐ": "ə"})


def edits(expected, heard):
    """The smallest number of items to replace, drop or add (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, item in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (item != other))
    return row[-1]


def sounds(phonemes):
    """Phonemes alone, so that words of one sound are the same however they are written."""
    return re.sub(r"[^\w]|[ˈˌ_]", "", phonemes).translate(FOLDED)


class Judge:
    def __init__(self):
        from moonshine_voice.moonshine_api import ModelArch
        from moonshine_voice.transcriber import Transcriber
        from moonshine_voice.utils import get_model_path
        self.transcriber = Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY)

    def hear(self, sound, rate):
        """The words in a recording."""
        import soxr
        sound = soxr.resample(numpy.asarray(sound, numpy.float32), rate, RATE)
        # Without silence after the last word it invents words at the beginning of some recordings.
        sound = numpy.pad(sound, (0, RATE // 2))
        lines = self.transcriber.transcribe_without_streaming(sound.tolist(), RATE).lines
        return " ".join(line.text for line in lines)
