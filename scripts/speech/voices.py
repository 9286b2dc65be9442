"""The speakers: flite's four voices as they are, and many made from them by pitch, rate, size and equaliser."""
import random
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

RATE = 24_000

# Share of the speech, and the gain that brings the voice to about -23 dB (root mean square).
VOICES = {"rms": (0.36, -1.6), "slt": (0.24, -7.0), "awb": (0.06, -3.0), "kal16": (0.04, 5.6)}
MADE_SPEAKERS, MADE_SHARE = 120, 0.30


@dataclass
class Speaker:
    name: str
    voice: str
    share: float
    features: dict = field(default_factory=dict)   # flite's
    effects: list = field(default_factory=list)    # sox's


def make_speakers(seed):
    """The plain voices first, then the made ones, all told by the seed."""
    speakers = [Speaker(name, name, share) for name, (share, _) in VOICES.items()]
    choose = random.Random(f"speakers {seed}")
    for number in range(MADE_SPEAKERS):
        voice = choose.choice(["rms", "slt", "awb", "kal16"])
        # A smaller speaker: everything is played faster, so formants and pitch rise; flite speaks slower to make up.
        size = choose.uniform(0.86, 1.18)
        pace = choose.uniform(0.88, 1.18)
        features = {"duration_stretch": round(size * pace, 3)}
        if voice != "rms":  # whose pitch model takes no settings
            features["f0_shift"] = round(choose.uniform(0.75, 1.35) / size, 3)
        effects = ["speed", f"{size:.3f}"]
        for low, high in ((200, 600), (700, 1800), (2000, 5000)):
            centre, gain = choose.uniform(low, high), choose.uniform(-5, 5)
            effects += ["equalizer", f"{centre:.0f}", "1.2q", f"{gain:.1f}"]
        speakers.append(Speaker(f"{voice}-{number:03d}", voice, MADE_SHARE / MADE_SPEAKERS, features, effects))
    return speakers


def speak(text, speaker, path):
    """Writes a FLAC file of 24 kHz and returns its length in seconds. The file appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        raw, finished = Path(folder, "raw.wav"), path.with_suffix(".part.flac")
        features = [part for name, value in speaker.features.items() for part in ("--setf", f"{name}={value}")]
        subprocess.run(["flite", "-voice", speaker.voice, *features, "-t", text, "-o", raw], check=True)
        gain = VOICES[speaker.voice][1]
        subprocess.run(
            ["sox", "-D", "-V1", raw, "-b", "16", finished, "gain", "-6", *speaker.effects, "rate", "-h", str(RATE),
             "gain", f"{gain + 6}"], check=True)
        finished.rename(path)
    return flac_seconds(path)


def flac_seconds(path):
    """The length of a FLAC file, from its first block: 20 bits of rate, 8 of format, 36 of sample count."""
    with open(path, "rb") as file:
        head = file.read(26)
    if head[:4] != b"fLaC" or len(head) < 26:
        raise ValueError(f"{path} is no FLAC file")
    bits = int.from_bytes(head[18:26], "big")
    return (bits & (1 << 36) - 1) / (bits >> 44)
