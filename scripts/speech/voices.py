"""The speakers: two voices and many more, all blended from the teacher's five; none is a real person's voice."""
import random
from dataclasses import dataclass, field

# The teacher's five voices. Unblended they are Japanese speakers, one of whom imitates a real announcer.
PARTS = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
LARGEST = 0.7   # share that no part may exceed
# A voice has a style for each length of a sentence. That of a middle length prevents hurried short sentences, but adds a
# breath to single words, which therefore have the style of a short sentence.
ROW, ROW_FOR_WORDS, LONGEST_WORDS = 150, 10, 15
BLENDS = 120
UNHEARD = 10    # every tenth blend is kept for validation


@dataclass(frozen=True)
class Speaker:
    name: str
    timbre: dict
    melody: dict
    row: int = ROW
    speed: float = 1.0
    equaliser: list = field(default_factory=list)   # pairs of a centre in Hz and a gain in dB


def blended(name, **weights):
    shares = {part: weight / sum(weights.values()) for part, weight in weights.items()}
    return Speaker(name, shares, shares)


VOICES = [
    blended("ben", jf_alpha=1, jf_gongitsune=1, jm_kumo=4),
    blended("bea", jf_alpha=1, jf_gongitsune=1, jf_nezumi=1, jf_tebukuro=1, jm_kumo=1),
]


def draw_shares(choose):
    """Random proportions of the parts, often of two or three of them."""
    while True:
        weights = [choose.gammavariate(0.6, 1) for _ in PARTS]
        shares = {part: round(weight / sum(weights), 3) for part, weight in zip(PARTS, weights)}
        if max(shares.values()) <= LARGEST:
            return shares


def make_blends(seed=1):
    choose = random.Random(f"blends {seed}")
    blends = []
    for number in range(BLENDS):
        timbre, other = draw_shares(choose), draw_shares(choose)
        # Melody is correlated with timbre, as in people, but not completely.
        melody = {part: (2 * timbre[part] + other[part]) / 3 for part in PARTS}
        equaliser = [(round(choose.uniform(low, high)), round(choose.uniform(-4, 4), 1))
                     for low, high in ((150, 500), (600, 1800), (2500, 7000))]
        blends.append(Speaker(f"blend-{number:03d}", timbre, melody, choose.randrange(90, 220),
                              round(choose.uniform(0.88, 1.14), 3), equaliser))
    return blends
