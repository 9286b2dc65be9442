"""Sentences out of two Debian packages: Jane Austen's novels and the usage examples of the WordNet dictionary."""
import bz2
import lzma
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

NOVELS = ("r-cran-janeaustenr", "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
DICTIONARY = ("wordnet-base", "usr/share/wordnet")

LICENCES = {
    NOVELS[0]: "the novels are in the public domain (1811-1818); the package is MIT",
    DICTIONARY[0]: "WordNet 3.0 licence (free use, copying and modification; Princeton University's notice is kept)",
}


class SourceError(Exception):
    pass


def package_path(package, path, cache):
    """The path of a package's file: installed, unpacked earlier, or fetched with apt-get (which needs no root)."""
    installed = Path("/") / path
    if installed.exists():
        return installed
    unpacked = cache / package / path
    if unpacked.exists():
        return unpacked
    if not shutil.which("apt-get"):
        raise SourceError(f"the Debian package {package} is not installed, and there is no apt-get to fetch it with")
    folder = cache / package
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, capture_output=True, text=True)
    archives = sorted(folder.glob(f"{package}_*.deb"))
    if done.returncode or not archives:
        raise SourceError(f"apt-get download {package} failed (try apt-get update): {done.stderr.strip()}")
    subprocess.run(["dpkg-deb", "-x", archives[-1], folder], check=True)
    return unpacked


def read_lazy_load_blocks(data):
    """The blocks of an R lazy-load database: a big-endian length, then zlib, or a letter and bzip2 or LZMA."""
    position = 0
    while position < len(data):
        kind = data[position + 4:position + 5]
        if kind == b"2":
            decoder, start = bz2.BZ2Decompressor(), position + 5
        elif kind == b"Z":
            filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
            decoder, start = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), position + 5
        else:
            decoder, start = zlib.decompressobj(), position + 4
        yield decoder.decompress(data[start:])
        position = len(data) - len(decoder.unused_data)


def read_strings(block):
    """The strings of a serialised R character vector."""
    position = block.index(b"\x00\x00\x00\x10") + 4
    (count,) = struct.unpack_from(">i", block, position)
    position += 4
    for _ in range(count):
        _, length = struct.unpack_from(">ii", block, position)
        position += 8
        yield block[position:position + max(length, 0)].decode("utf-8", "replace")
        position += max(length, 0)


def novel_sentences(cache):
    """Austen's sentences in reading order, quotation marks and emphasis removed."""
    data = package_path(*NOVELS, cache).read_bytes()
    for block in read_lazy_load_blocks(data):
        paragraph = []
        for line in [*read_strings(block), ""]:
            line = line.strip()
            if line:
                paragraph.append(line)
                continue
            text, paragraph = " ".join(paragraph), []
            if re.match(r"(CHAPTER|Chapter|VOLUME|Volume|FINIS|THE END)\b", text):
                continue
            text = text.replace("_", "").replace('"', "").replace("--", ", ")
            text = re.sub(r"(?<!\w)'|'(?!\w)", "", text)
            # Titles keep their full stop; every other one that precedes a capital ends a sentence.
            text = re.sub(r"\b(Mr|Mrs|Dr|St|Messrs)\.", r"\1<stop>", text)
            for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z])", text):
                yield OLD.sub(lambda match: MODERN[match[0]], sentence.replace("<stop>", "."))


def dictionary_sentences(cache):
    """The usage examples of WordNet's glosses."""
    folder = package_path(*DICTIONARY, cache)
    for name in ("data.noun", "data.verb", "data.adj", "data.adv"):
        for line in (folder / name).read_text(encoding="latin-1").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            for example in re.findall(r'"([^"]+)"(?! ?-)', line.split("|", 1)[1]):
                yield example


# Spellings that have changed in two hundred years.
MODERN = {"surprize": "surprise", "surprized": "surprised", "to-day": "today", "to-morrow": "tomorrow", "to-night": "tonight",
          "shew": "show", "shewn": "shown", "shewed": "showed", "shewing": "showing", "chuse": "choose", "chusing": "choosing",
          "stile": "style", "ancle": "ankle", "expence": "expense", "staid": "stayed", "every thing": "everything",
          "every body": "everybody", "any thing": "anything", "any body": "anybody", "every where": "everywhere"}
OLD = re.compile(r"\b(" + "|".join(sorted(MODERN, key=len, reverse=True)) + r")\b")

# The dictionary contains words that a demonstration should not speak.
UNFIT = re.compile(r"\b(nigg|whor|slut|fuck|shit|cunt|bitch|rape|raping|suicid|murder|nazi|negro|jew|sex|porn|penis|"
                   r"vagina|breast|genital|testic|prostitut|semen|urin|feces|faec|homosexual|lesbian|hitler|slave)", re.I)


def tidy(sentence, longest=130):
    """A sentence that can be spoken, or None: plain letters, no words in capitals, two words or more, a capital first and a stop last."""
    sentence = re.sub(r"--|[;:]", ", ", sentence.replace("`", "'"))
    sentence = re.sub(r"\s+", " ", sentence).strip(" ,'-")
    sentence = re.sub(r"\s+,", ",", re.sub(r"(, *)+", ", ", sentence)).strip(" ,")
    sentence = re.sub(r",? +(?=[.?!])", "", sentence)
    if not re.fullmatch(r"[A-Za-z][A-Za-z ,.'?!-]*", sentence):
        return None
    if UNFIT.search(sentence):
        return None
    words = sentence.split()
    # Initials, words in capitals and incomplete words can be read in too many ways.
    if len(words) < 2 or len(sentence) > longest:
        return None
    if any(len(word.strip(".,?!")) > 1 and word.isupper() for word in words) or re.search(r"\.\.|\b[B-HJ-Z]\.", sentence):
        return None
    if re.search(r"[.?!](?!$| )|(?<!Mr)(?<!Mrs)(?<!Dr)(?<!St)\. |\b(etc|i\.e|e\.g|Capt|Col|Esq)\b", sentence):
        return None
    if re.search(r"(?:^| )[-']|[-'](?: |$)|-.*-.*-", sentence):
        return None
    sentence = sentence[0].upper() + sentence[1:]
    return sentence if sentence[-1] in ".?!" else sentence + "."
