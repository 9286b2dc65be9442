/** Samples: kept as they come, written as WAV, and measured. */

/** Of all speech, in hertz. */
export const sampleRate = 24_000;

/** Samples that become more, 16 bits each. */
export class Samples {
  #room = new Int16Array(sampleRate * 8);
  /** How many there are. */
  count = 0;

  /** @param {Int16Array} [samples] */
  constructor(samples) {
    if (samples) this.append(samples);
  }

  get seconds() {
    return this.count / sampleRate;
  }

  /** @param {Int16Array} samples */
  append(samples) {
    if (this.count + samples.length > this.#room.length) {
      const room = new Int16Array(Math.max(2 * this.#room.length, this.count + samples.length));
      room.set(this.all);
      this.#room = room;
    }
    this.#room.set(samples, this.count);
    this.count += samples.length;
  }

  /** A view of them, which does not grow with them. */
  get all() {
    return this.#room.subarray(0, this.count);
  }
}

/**
 * A WAV file: mono, 16 bits.
 * @param {Int16Array} samples
 * @param {number} rate In hertz.
 */
export function wav(samples, rate) {
  const header = new DataView(new ArrayBuffer(44)), bytes = samples.length * 2;
  const write = (/** @type {number} */ at, /** @type {string} */ text) => [...text].forEach((letter, index) => header.setUint8(at + index, letter.charCodeAt(0)));
  write(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  write(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  write(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, samples.slice()], { type: "audio/wav" });
}

/**
 * Samples of 16 bits from numbers in -1...1.
 * @param {Float32Array} numbers
 */
export function asInt16(numbers) {
  return Int16Array.from(numbers, (number) => Math.round(32_767 * Math.max(-1, Math.min(1, number))));
}

/** How loud a recording is, and how much of that is noise: of short frames the loud ones are speech, the faint ones are not. */
export class LevelMeter {
  /** @type {number[]} Root mean squares of frames, in dB of full scale. */
  #levels = [];
  #sum = 0;
  #frame = 0;
  #clipped = 0;
  #count = 0;
  #rate;

  /** @param {number} rate In hertz. */
  constructor(rate) {
    this.#rate = rate;
  }

  /** @param {Float32Array} numbers In -1...1. */
  add(numbers) {
    const length = Math.round(this.#rate / 20);
    this.#count += numbers.length;
    for (const number of numbers) {
      if (Math.abs(number) > 0.99) this.#clipped++;
      this.#sum += number * number;
      if (++this.#frame < length) continue;
      this.#levels.push(10 * Math.log10(this.#sum / length + 1e-10));
      [this.#sum, this.#frame] = [0, 0];
    }
  }

  get seconds() {
    return this.#count / this.#rate;
  }

  /** Of the last frame. */
  get level() {
    return this.#levels.at(-1) ?? -100;
  }

  /** What the recording is like: levels in dB of full scale, and what to do about it. */
  get verdict() {
    const sorted = [...this.#levels].sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? -100;
    const [noise, speech] = [at(0.1), at(0.9)];
    return { noise, speech, clipped: this.#clipped / Math.max(1, this.#count), advice: this.#advice(noise, speech) };
  }

  /**
   * @param {number} noise
   * @param {number} speech
   */
  #advice(noise, speech) {
    if (this.seconds < 1) return "";
    if (this.#clipped > this.#rate / 1000) return "Too loud: sound is cut off. Move back, or turn the microphone down.";
    if (speech < -45) return "Very faint. Come closer, or turn the microphone up.";
    if (speech - noise < 12) return "Speech hardly stands out from the noise. A quieter room makes a better voice.";
    if (this.seconds < 5) return "Good so far. Ten seconds or more make a better voice.";
    return speech - noise < 25 ? "Some noise, but good enough." : "Clear and quiet: a good recording.";
  }
}
