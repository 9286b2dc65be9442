/** The spectrum of sound over time, computed here: a fast Fourier transform and bands as wide as the ear's. */

import { sampleRate } from "./sound.js";

/** Samples of a frame, and from one to the next. */
const size = 1024, hop = 480;
/** Frames in a second. */
export const frameRate = sampleRate / hop;
export const bandCount = 80;

/** In place: `real` and `imaginary` become their Fourier transform (Cooley and Tukey 1965). Their length is a power of two. */
export class FourierTransform {
  /** @param {number} size */
  constructor(size) {
    this.size = size;
    this.cosines = Float32Array.from({ length: size / 2 }, (_, index) => Math.cos((2 * Math.PI * index) / size));
    this.sines = Float32Array.from({ length: size / 2 }, (_, index) => Math.sin((2 * Math.PI * index) / size));
  }

  /**
   * @param {Float32Array} real
   * @param {Float32Array} imaginary
   */
  transform(real, imaginary) {
    const { size, cosines, sines } = this;
    for (let index = 1, reversed = 0; index < size; index++) {
      let bit = size >> 1;
      for (; reversed & bit; bit >>= 1) reversed ^= bit;
      reversed ^= bit;
      if (index >= reversed) continue;
      [real[index], real[reversed]] = [real[reversed], real[index]];
      [imaginary[index], imaginary[reversed]] = [imaginary[reversed], imaginary[index]];
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let offset = 0; offset < half; offset++) {
          const [cosine, sine] = [cosines[offset * step], sines[offset * step]], [upper, lower] = [start + offset, start + offset + half];
          const x = real[lower] * cosine + imaginary[lower] * sine, y = imaginary[lower] * cosine - real[lower] * sine;
          real[lower] = real[upper] - x;
          imaginary[lower] = imaginary[upper] - y;
          real[upper] += x;
          imaginary[upper] += y;
        }
      }
    }
  }
}

/** The spectrogram and the loudness of a take, as far as there is sound: a frame is computed once. */
export class Spectrogram {
  /** Bands of each frame in 0...255, the lowest first, one frame behind the other. */
  bands = new Uint8Array(bandCount * 512);
  /** Of each frame the largest sample, in 0...1. */
  peaks = new Float32Array(512);
  frameCount = 0;
  /** The largest of them. */
  loudest = 0;
  #transform = new FourierTransform(size);
  #window = Float32Array.from({ length: size }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / size));
  /** The first and the last bin of each band. */
  #edges = Array.from({ length: bandCount + 1 }, (_, index) => (mel(60) + ((mel(11_500) - mel(60)) * index) / bandCount))
    .map((value) => (hertz(value) * size) / sampleRate);
  #real = new Float32Array(size);
  #imaginary = new Float32Array(size);

  /**
   * @param {Int16Array} samples All of them, from the beginning.
   * @param {boolean} isWhole Whether no more will come. A frame reaches beyond its hop, into sound that must be there.
   */
  extend(samples, isWhole) {
    const reach = isWhole ? 0 : (size - hop) / 2, count = Math.max(0, Math.floor((samples.length - reach) / hop));
    if (count > this.peaks.length) this.#grow(Math.max(count, 2 * this.peaks.length));
    for (; this.frameCount < count; this.frameCount++) this.#compute(samples, this.frameCount);
  }

  /** @param {number} frames */
  #grow(frames) {
    const [bands, peaks] = [new Uint8Array(frames * bandCount), new Float32Array(frames)];
    bands.set(this.bands);
    peaks.set(this.peaks);
    [this.bands, this.peaks] = [bands, peaks];
  }

  /**
   * @param {Int16Array} samples
   * @param {number} frame
   */
  #compute(samples, frame) {
    const begin = frame * hop, first = begin - (size - hop) / 2;
    let peak = 0;
    for (let index = 0; index < size; index++) this.#real[index] = ((samples[first + index] ?? 0) / 32_768) * this.#window[index];
    for (let index = begin; index < begin + hop; index++) peak = Math.max(peak, Math.abs(samples[index]) / 32_768);
    this.peaks[frame] = peak;
    this.loudest = Math.max(this.loudest, peak);
    this.#imaginary.fill(0);
    this.#transform.transform(this.#real, this.#imaginary);
    for (let band = 0; band < bandCount; band++) {
      const first = Math.floor(this.#edges[band]), last = Math.max(first + 1, Math.floor(this.#edges[band + 1]));
      let power = 0;
      for (let bin = first; bin < last; bin++) power = Math.max(power, this.#real[bin] ** 2 + this.#imaginary[bin] ** 2);
      // From -45 to 40 dB: a tone at full scale comes to 48.
      const decibels = 10 * Math.log10(power + 1e-10);
      this.bands[frame * bandCount + band] = Math.max(0, Math.min(255, ((decibels + 45) / 85) * 255));
    }
  }
}

/** @param {number} frequency */
function mel(frequency) {
  return 2595 * Math.log10(1 + frequency / 700);
}

/** @param {number} value */
function hertz(value) {
  return 700 * (10 ** (value / 2595) - 1);
}
