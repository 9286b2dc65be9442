"""Processing of a recording: equaliser, trimmed ends, loudness."""
import numpy

FRAME = 0.01
SILENCE = -40.0              # dB below the loudest frame
BEFORE, AFTER = 0.08, 0.16   # seconds left before and after speech: two and four speech tokens
FADE_IN, FADE_OUT = 0.02, 0.06
LOUDNESS, PEAK = -23.0, 0.95


def levels(sound, rate):
    """Mean square of each frame of 10 ms."""
    size = int(FRAME * rate)
    return (sound[:len(sound) // size * size].reshape(-1, size) ** 2).mean(axis=1)


def equalise(sound, rate, bands):
    """Raises and lowers octaves around centres in Hz by gains in dB."""
    if not bands:
        return sound
    spectrum, octave = numpy.fft.rfft(sound), numpy.log2(numpy.fft.rfftfreq(len(sound), 1 / rate).clip(20))
    gain = sum(decibels * numpy.exp(-0.5 * ((octave - numpy.log2(centre)) / 0.5) ** 2) for centre, decibels in bands)
    return numpy.fft.irfft(spectrum * 10 ** (gain / 20), len(sound))


def trim(sound, rate):
    """Speech with a fixed short silence before and after it, whose outer ends are faded to nothing."""
    energy = levels(sound, rate)
    spoken = numpy.flatnonzero(energy > energy.max(initial=0) * 10 ** (SILENCE / 10))
    if not len(spoken):
        raise ValueError("there is no sound in it")
    size, before, after = int(FRAME * rate), int(BEFORE * rate), int(AFTER * rate)
    padded = numpy.pad(sound, (before, after))
    trimmed = padded[spoken[0] * size:(spoken[-1] + 1) * size + before + after].copy()
    rise, fall = int(FADE_IN * rate), int(FADE_OUT * rate)
    trimmed[:rise] *= numpy.linspace(0, 1, rise)
    trimmed[-fall:] *= numpy.linspace(1, 0, fall)
    return trimmed


def level(sound, rate):
    """The same loudness for all: -23 dB root mean square during speech, or less if peaks would be clipped."""
    energy = levels(sound, rate)
    loud = energy[energy > energy.max() * 10 ** (SILENCE / 10)].mean()
    return sound * min(10 ** (LOUDNESS / 20) / loud ** 0.5, PEAK / abs(sound).max())
