/** One text as it was spoken: its sound, its words and how it was made. */

import { sampleRate, Samples, wav } from "./sound.js";
import { parts, Words } from "./words.js";

/**
 * Tells of `sound` when there is more, `words` when times are known, `end` when it is whole.
 */
export class Take extends EventTarget {
  /** The most characters that the server is asked to speak at once: it takes no more than 100,000. */
  static partLength = 80_000;

  samples = new Samples();
  /** Seconds to the first sound, and to the end. */
  figures = { first: 0, all: 0 };
  isWhole = false;
  /** @type {string[]} */
  warnings = [];
  /** @type {number} When it was made, in milliseconds. */
  time = Date.now();
  /** @type {number | null} Its number in the history. */
  id = null;

  /** @param {Record<string, any>} order What was asked for, in the fields of the API. */
  constructor(order) {
    super();
    this.order = order;
    this.words = new Words(order.input);
  }

  get seconds() {
    return this.samples.seconds;
  }

  /** Seconds that it has, or will have, about. */
  get expectedSeconds() {
    return this.isWhole ? this.seconds : Math.max(this.seconds, this.words.expectedSeconds);
  }

  /** What the server is asked for: the text, in parts where it is very long. */
  get #orders() {
    return parts(this.order.input, Take.partLength).map((input) => ({ ...this.order, input }));
  }

  /**
   * Has the server speak it.
   * @param {import("./server.js").Server} server
   * @param {AbortSignal} signal
   */
  async make(server, signal) {
    const begin = performance.now();
    try {
      for (const order of this.#orders) await server.speak({ ...order, seed: this.order.seed }, this.#listener(begin), signal);
    } finally {
      this.isWhole = true;
      this.words.estimate(this.seconds, true);
      this.dispatchEvent(new Event("end"));
    }
  }

  /**
   * What takes a part's sound and words.
   * @param {number} begin When all of it began, in milliseconds.
   * @returns {import("./server.js").SpeechListener}
   */
  #listener(begin) {
    const since = () => (performance.now() - begin) / 1000, before = this.seconds;
    return {
      onStart: (seed, warnings) => {
        // The seed that was drawn speaks it the same way again.
        if (seed) this.order = { ...this.order, seed: Number(seed) };
        this.warnings = [...new Set([...this.warnings, ...warnings])];
        this.dispatchEvent(new Event("start"));
      },
      onSound: (samples) => {
        this.figures.first ||= since();
        this.figures.all = since();
        this.samples.append(samples);
        this.words.estimate(this.seconds, false);
        this.dispatchEvent(new Event("sound"));
      },
      onWords: (words, areEstimated) => {
        this.words.tell(words.map(({ word, start, end }) => ({ word, start: before + start, end: before + end })), areEstimated);
        this.words.estimate(this.seconds, false);
        this.dispatchEvent(new Event("words"));
      },
    };
  }

  /**
   * It as a file.
   * @param {import("./server.js").Server} server Encodes all but WAV.
   * @param {string} format
   * @returns {Promise<Blob>}
   */
  async file(server, format) {
    if (format === "wav") return wav(this.samples.all, sampleRate);
    const orders = this.#orders, files = [];
    // Of the others, files that stand one behind the other are a file.
    if (format === "flac" && orders.length > 1) throw new Error("a text of this length would be several FLAC files; choose WAV");
    for (const order of orders) files.push(await server.file(order, format));
    return new Blob(files, { type: files[0].type });
  }

  /** What the history keeps of it, beside its samples. */
  get record() {
    const times = this.words.all.map(({ start, end, isKnown, isEstimated }) => ({ start, end, isKnown, isEstimated }));
    return { time: this.time, order: this.order, figures: this.figures, seconds: this.seconds, times };
  }

  /**
   * @param {any} record
   * @param {Int16Array} samples
   * @returns {Take}
   */
  static from(record, samples) {
    const take = new Take(record.order);
    take.samples = new Samples(samples);
    [take.figures, take.time, take.id, take.isWhole] = [record.figures, record.time, record.id, true];
    take.words.all.forEach((word, index) => Object.assign(word, record.times[index]));
    return take;
  }
}
