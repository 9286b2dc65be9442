"""Compares this package's watermark with resemble-perth's own detector and encoder.

    watermark.py PROGRAM [RECORDING…] [--marked FILE…] [--unmarked FILE…]

PROGRAM is the built `chatterbox`, with the weights fetched (`chatterbox watermark --fetch`); RECORDING… are files of
speech without a watermark. For each it prints the largest difference between this package's watermarked speech and upstream's, and both detectors'
results for the unmarked and the watermarked file, for each single second of it, and after MP3 coding at 24 kbit/s. --marked and
--unmarked are files that `chatterbox say` or `convert` made, with and without --no-watermark. Needs ffmpeg,
resemble-perth and librosa. The exit status is 1 if the detectors disagree or a watermark is not detected.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np
import soundfile
from perth import PerthImplicitWatermarker

RATE = 24000


class Judges:
    def __init__(self, program):
        self.program, self.official, self.failures = program, PerthImplicitWatermarker(), 0

    def ours(self, path):
        done = subprocess.run([self.program, "watermark", path, "--json"], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def compare(self, what, path, expected):
        """Prints both results for a file: rounded, as upstream returns them, and the confidence without rounding."""
        sound, rate = librosa.load(path, sr=None, mono=True)
        rounded = float(self.official.get_watermark(sound, sample_rate=rate))
        bare = float(self.official.get_watermark(sound, sample_rate=rate, round=False))
        ours = self.ours(path)
        fine = rounded == expected and ours["watermarked"] == bool(expected) and abs(ours["confidence"] - bare) < 1e-3
        self.failures += not fine
        print(f"  {what:24} official {rounded:.1f} ({bare:.4f})   ours {ours['watermarked']!s:5} ({ours['confidence']:.4f}){'' if fine else '   WRONG'}")


def mp3(source, folder):
    compressed, back = folder / f"{source.stem}.mp3", folder / f"{source.stem}-mp3.wav"
    quiet = ["ffmpeg", "-y", "-loglevel", "error", "-i"]
    subprocess.run([*quiet, source, "-codec:a", "libmp3lame", "-b:a", "24k", compressed], check=True)
    subprocess.run([*quiet, compressed, back], check=True)
    return compressed, back


def judge_marked(judges, marked, folder):
    """The complete file, every second of it, and both before and after MP3 coding."""
    sound, rate = soundfile.read(marked, dtype="float32")
    judges.compare("marked", marked, 1)
    for second in range(len(sound) // rate):
        part = folder / f"second-{second}.wav"
        soundfile.write(part, sound[second * rate:(second + 1) * rate], rate, subtype="PCM_16")
        judges.compare(f"second {second}", part, 1)
    compressed, back = mp3(marked, folder)
    judges.compare("MP3 at 24 kbit/s", compressed, 1)
    judges.compare("decoded from it", back, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("recordings", nargs="*")
    parser.add_argument("--marked", nargs="+", default=[])
    parser.add_argument("--unmarked", nargs="+", default=[])
    options = parser.parse_args()
    judges = Judges(options.program)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for recording in options.recordings:
            speech, _ = librosa.load(recording, sr=RATE, mono=True)
            plain, marked = folder / "plain.wav", folder / "marked.wav"
            soundfile.write(plain, speech, RATE, subtype="PCM_16")
            speech, _ = soundfile.read(plain, dtype="float32")
            subprocess.run([options.program, "watermark", plain, "-o", marked, "-q"], check=True)
            ours, _ = soundfile.read(marked, dtype="float32")
            upstream = judges.official.apply_watermark(speech, sample_rate=RATE)
            # Upstream drops samples that do not fill a step of its transform; the last window before that is affected by the cut.
            common = len(upstream) - 1024
            print(f"{recording}: {len(speech) / RATE:.1f} s; largest difference from upstream's marked speech "
                  f"{np.abs(ours - np.clip(np.pad(upstream, (0, len(ours) - len(upstream))), -1, 1))[:common].max():.1e}, "
                  f"the mark itself is up to {np.abs(ours - speech).max():.1e}; {len(ours)} of {len(speech)} samples")
            judges.compare("unmarked", plain, 0)
            judges.compare("unmarked, MP3", mp3(plain, folder)[0], 0)
            judge_marked(judges, marked, folder)
        for path in options.marked:
            print(path)
            judge_marked(judges, Path(path), folder)
        for path in options.unmarked:
            judges.compare(path, path, 0)
    print("agreed" if not judges.failures else f"{judges.failures} wrong")
    sys.exit(bool(judges.failures))


if __name__ == "__main__":
    main()
