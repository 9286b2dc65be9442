"""The spoken sentences: lots, each determined by its number, and held-out sentences, which are in none of the lots.

    lots.py checksums     the checksum of each part, as in checksums.txt
    lots.py held-out      writes test.txt and validation.txt again
"""
import hashlib
import json
import random
import re
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import templates
import texts
import voices

FOLDER = Path(__file__).resolve().parent
CLIPS = 1800    # in a lot: two to three hours
LOTS = 12
# Shares of a lot's clips.
KINDS = {"dictionary": 0.26, "novels": 0.22, "everyday": 0.20, "dialogue": 0.07, "questions": 0.05, "exclamations": 0.04,
         "names": 0.04, "numbers": 0.04, "lists": 0.03, "words": 0.05}
SPEAKERS = {"ben": 0.4, "bea": 0.4, "blends": 0.2}
JOINED = 0.4            # share of sentences that are spoken together with the next one, and that with the one after it
LONGEST = 300           # characters
ALLOWED = 0.08          # share of sounds that the judge may transcribe differently in a clip that is kept
SHARED_RUN = 5          # words in a row that a held-out sentence may not have in common with another
COMMON = 12             # sentences from books that must contain a word for it to be held out
HELD_OUT = {"test": 200, "validation": 80}
PARTS = ["validation", "1", "test", *map(str, range(2, LOTS + 1))]   # in the order in which they are made and listed
HELD_OUT_KINDS = {"dictionary": 0.25, "novels": 0.2, "everyday": 0.2, "dialogue": 0.1, "questions": 0.1, "exclamations": 0.05,
                  "names": 0.03, "numbers": 0.04, "lists": 0.03}


@dataclass(frozen=True)
class Clip:
    name: str       # of the file, without its ending
    kind: str
    text: str
    spoken: str     # the text with its numbers in words
    speaker: voices.Speaker
    split: str

    @property
    def digest(self):
        """A digest that identifies the text and voice of a recording."""
        return hashlib.sha256(json.dumps([self.spoken, asdict(self.speaker)]).encode()).hexdigest()[:16]


def words_of(sentence):
    return re.findall(r"[a-z0-9']+", sentence.lower())


def runs_of(sentence):
    words = words_of(sentence)
    return {tuple(words[i:i + SHARED_RUN]) for i in range(max(1, len(words) - SHARED_RUN + 1))}


class Sentences:
    """All sentences of the books, in a fixed order, and an endless sequence of sentences from patterns."""

    def __init__(self, cache):
        self.books = {
            "dictionary": sorted({tidy for text in texts.dictionary_sentences(cache) if (tidy := texts.tidy(text))}),
            "novels": sorted({tidy for text in texts.novel_sentences(cache) if (tidy := texts.tidy(text, LONGEST))}),
        }
        for kind, book in self.books.items():
            random.Random(f"order of {kind}").shuffle(book)
        self.known = Counter(word for book in self.books.values() for sentence in book for word in set(words_of(sentence)))

    def of(self, kind, lot, choose):
        """Sentences of one kind as they are written and as they are spoken; those of the books occur once in all lots."""
        if kind in self.books:
            # Lot 0 contains the held-out sentences.
            for sentence in self.books[kind][lot::LOTS + 1]:
                yield sentence, sentence
            sys.exit(f"lot {lot} needs more sentences than the {kind} has")
        seen = set()
        while True:
            written, spoken = templates.pattern_sentence(choose, kind)
            # Single words may occur again, but not too often.
            if written not in seen or (kind == "words" and choose.random() < 0.5):
                seen.add(written)
                yield written, spoken


def read_held_out(split):
    """Lines of a kind: the text and its spoken form."""
    return [line.split("\t") for line in (FOLDER / f"{split}.txt").read_text(encoding="utf-8").splitlines()]


def held_out_clips(split):
    """Each held-out sentence spoken by both voices."""
    for number, (kind, text, spoken) in enumerate(read_held_out(split)):
        for speaker in voices.VOICES:
            yield Clip(f"{split}/{number:03d}-{speaker.name}", kind, text, spoken, speaker, split)


def lot_clips(sentences, lot):
    """The clips of a lot, with all kinds and speakers mixed."""
    choose = random.Random(f"lot {lot}")
    kept_out = {run for split in HELD_OUT for _, *both in read_held_out(split) for text in both for run in runs_of(text)}
    sources = {kind: (pair for pair in sentences.of(kind, lot, choose) if not any(kept_out & runs_of(text) for text in pair))
               for kind in KINDS}
    blends = voices.make_blends()
    random.Random(f"blends of lot {lot}").shuffle(blends)
    blended = 0
    for number in range(CLIPS):
        (kind,) = choose.choices(list(KINDS), KINDS.values())
        text, spoken = next(sources[kind])
        while kind != "words" and choose.random() < JOINED:
            # Sentences of books are followed by the next one more often than those of talk.
            next_kind = kind if kind in sentences.books and choose.random() < 0.7 else choose.choice(list(KINDS)[:-1])
            more, more_spoken = next(sources[next_kind])
            if len(f"{spoken} {more_spoken}") > LONGEST:
                break
            text, spoken = f"{text} {more}", f"{spoken} {more_spoken}"
        (name,) = choose.choices(list(SPEAKERS), SPEAKERS.values())
        if name == "blends":
            speaker = blends[blended % len(blends)]
            blended += 1
            unheard = int(speaker.name.split("-")[1]) % voices.UNHEARD == voices.UNHEARD - 1
        else:
            speaker, unheard = next(voice for voice in voices.VOICES if voice.name == name), False
        yield Clip(f"{lot:02d}/{number:04d}-{speaker.name}", kind, text, spoken, speaker, "validation" if unheard else "train")


def clips(part, sentences):
    """The clips of `test`, of `validation` or of a lot."""
    return list(held_out_clips(part) if part in HELD_OUT else lot_clips(sentences, int(part)))


def checksum(clips):
    return hashlib.sha256("\n".join(f"{clip.name}\t{clip.text}\t{clip.digest}" for clip in clips).encode()).hexdigest()


def known_checksums():
    return dict(line.split() for line in (FOLDER / "checksums.txt").read_text().splitlines())


def hold_out(sentences):
    """Different sentences of 5 to 14 words; those from books only have words that are common in the books."""
    choose, runs = random.Random("held out"), set()
    sources = {kind: sentences.of(kind, 0, choose) for kind in HELD_OUT_KINDS}
    for split, count in HELD_OUT.items():
        chosen, shares = [], 0
        for kind, share in HELD_OUT_KINDS.items():
            shares += share
            while len(chosen) < round(count * shares):
                text, spoken = next(sources[kind])
                words = words_of(spoken)
                common = kind not in sentences.books or all(sentences.known[word] >= COMMON for word in words)
                plain = not re.search(r"\d|\w\.\s|'(?!s\b|t\b)", text) or kind not in sentences.books
                if 5 <= len(words) <= 14 and text == spoken and common and plain and not runs & runs_of(spoken):
                    chosen.append((kind, text, spoken))
                    runs |= runs_of(spoken)
        choose.shuffle(chosen)
        yield split, chosen


def main():
    cache = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("sources")
    sentences = Sentences(cache)
    if sys.argv[1:2] == ["held-out"]:
        for split, chosen in hold_out(sentences):
            (FOLDER / f"{split}.txt").write_text("".join("\t".join(line) + "\n" for line in chosen), encoding="utf-8")
    elif sys.argv[1:2] == ["checksums"]:
        for part in PARTS:
            print(part, checksum(clips(part, sentences)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
