"""How much two recordings of a sentence are alike: their spectra, their melody, and stray sounds before and after the words."""
from functools import lru_cache

import numpy

from sound import FRAME, SILENCE, levels

HOP, WINDOW = FRAME, 0.04         # seconds
BANDS, LOWEST = 48, 80.0          # bands of equal width on the mel scale, and the lowest edge in Hz
FLOOR = -60.0                     # dB below the loudest band of a recording; differences in quieter bands are not counted
CEPSTRA = 13
PITCHES = 65.0, 420.0             # Hz
PERIODIC = 0.55                   # autocorrelation of voiced frames
PAUSE, STRAY = 0.12, 0.2          # seconds: the shortest silence beside a stray sound, and its longest duration


def frames(sound, rate):
    """Overlapping windows, one every 10 ms."""
    size, hop = int(WINDOW * rate), int(HOP * rate)
    padded = numpy.pad(numpy.asarray(sound, float), (size // 2, size))
    return numpy.lib.stride_tricks.sliding_window_view(padded, size)[:len(sound) + 1:hop]


@lru_cache
def mel_filters(rate, bins):
    """The share of each bin of a spectrum in each band, `[bands, bins]`."""
    to_mel, to_hertz = lambda f: 2595 * numpy.log10(1 + f / 700), lambda m: 700 * (10 ** (m / 2595) - 1)
    edges = to_hertz(numpy.linspace(to_mel(LOWEST), to_mel(rate / 2), BANDS + 2))
    frequency = numpy.linspace(0, rate / 2, bins)
    rise = (frequency - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - frequency) / (edges[2:] - edges[1:-1])[:, None]
    return numpy.minimum(rise, fall).clip(0)


def spectrum(windows, rate):
    """The level of each band in dB, `[frames, bands]`, relative to the loudest."""
    power = abs(numpy.fft.rfft(windows * numpy.hanning(windows.shape[1]), axis=1)) ** 2
    decibels = 10 * numpy.log10(power @ mel_filters(rate, power.shape[1]).T + 1e-12)
    return (decibels - decibels.max()).clip(FLOOR)


def cepstra(decibels):
    """The spectrum's coarse shape, `[frames, 13]`, for comparing frames in time warping."""
    angles = numpy.pi / BANDS * numpy.outer(numpy.arange(BANDS) + 0.5, numpy.arange(CEPSTRA))
    return decibels @ numpy.cos(angles) / BANDS


def path(first, second):
    """Pairs of frames of two recordings that are nearest to each other in order (dynamic time warping)."""
    cost = numpy.sqrt(((first[:, None] - second[None]) ** 2).sum(axis=2)).tolist()
    rows, columns = len(first), len(second)
    total = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            before = 0.0 if i == j == 0 else min(
                total[i - 1][j] if i else numpy.inf, total[i][j - 1] if j else numpy.inf,
                total[i - 1][j - 1] if i and j else numpy.inf)
            total[i][j] = cost[i][j] + before
    pairs = [(rows - 1, columns - 1)]
    while pairs[-1] != (0, 0):
        i, j = pairs[-1]
        steps = [(a, b) for a, b in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
        pairs.append(min(steps, key=lambda place: total[place[0]][place[1]]))
    return numpy.array(pairs[::-1])


def pitch(windows, rate):
    """The fundamental frequency of each frame in Hz, 0 where it is not voiced, from the autocorrelation."""
    windows = windows - windows.mean(axis=1, keepdims=True)
    size = windows.shape[1]
    shape = numpy.hanning(size)
    power = abs(numpy.fft.rfft(windows * shape, 2 * size, axis=1)) ** 2
    correlation = numpy.fft.irfft(power, axis=1)[:, :size]
    own = numpy.fft.irfft(abs(numpy.fft.rfft(shape, 2 * size)) ** 2)[:size]
    energy = correlation[:, :1].copy()
    correlation = correlation / numpy.maximum(energy, 1e-9) / (own / own[0] + 1e-9)
    shortest, longest = int(rate / PITCHES[1]), int(rate / PITCHES[0]) + 1
    region = correlation[:, shortest:longest]
    highest = region.max(axis=1)
    # The first peak that is nearly as high as the highest one: later ones are multiples of the period.
    peaks = (region[:, 1:-1] >= region[:, :-2]) & (region[:, 1:-1] >= region[:, 2:]) & (region[:, 1:-1] > 0.9 * highest[:, None])
    lag = shortest + 1 + peaks.argmax(axis=1)
    voiced = peaks.any(axis=1) & (highest > PERIODIC) & (energy[:, 0] > energy.max() * 10 ** (SILENCE / 10))
    return numpy.where(voiced, rate / lag, 0.0)


def stray_sounds(sound, rate):
    """How many short sounds stand apart from the speech, before or after it."""
    energy = levels(numpy.asarray(sound, float), rate)
    loud = numpy.flatnonzero(energy > energy.max(initial=0) * 10 ** (SILENCE / 10))
    if not len(loud):
        return 0
    pieces = numpy.split(loud, numpy.flatnonzero(numpy.diff(loud) > PAUSE / HOP) + 1)
    if len(pieces) == 1:
        return 0
    return sum(int((piece[-1] - piece[0] + 1) * HOP <= STRAY) for piece in (pieces[0], pieces[-1]))


def compare(sound, teacher, rate):
    """The root mean square difference of the bands in dB where the teacher is audible, and the correlation of the melodies, or None if too
    little of both is voiced."""
    mine, other = frames(sound, rate), frames(teacher, rate)
    spectra = spectrum(mine, rate), spectrum(other, rate)
    pairs = path(cepstra(spectra[0]), cepstra(spectra[1]))
    left, right = spectra[0][pairs[:, 0]], spectra[1][pairs[:, 1]]
    audible = right > FLOOR
    distance = float(numpy.sqrt(((left - right)[audible] ** 2).mean())) if audible.any() else 0.0
    melodies = pitch(mine, rate)[pairs[:, 0]], pitch(other, rate)[pairs[:, 1]]
    both = (melodies[0] > 0) & (melodies[1] > 0)
    if both.sum() < 20:
        return distance, None
    logarithms = [numpy.log2(melody[both]) for melody in melodies]
    if min(values.std() for values in logarithms) < 1e-9:
        return distance, None
    return distance, float(numpy.corrcoef(*logarithms)[0, 1])
