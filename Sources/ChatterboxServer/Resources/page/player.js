/**
 * Plays a take without a gap, also while it is being made: pieces are handed to the audio hardware ahead of time, each at the very
 * sample where the one before it ends. No worklet is needed, which pages that came over plain HTTP do not have.
 */

import { sampleRate } from "./sound.js";

/** Seconds of sound that are handed on ahead of time, and in a piece. */
const ahead = 2, piece = 0.25;
/** Seconds from now to the first piece: what handing on takes. */
const lead = 0.05;
/** Seconds of sound that there must be before it begins; twice as many each time that it ran dry. */
const firstCushion = 0.3, largestCushion = 8;

/** Tells of `change` when it begins, pauses, waits or ends. */
export class Player extends EventTarget {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {import("./take.js").Take | null} */
  #take = null;
  /** Where it is to go on, in samples. */
  #next = 0;
  /** @type {{source: AudioBufferSourceNode, time: number, from: number, count: number}[]} Pieces that are handed on. */
  #pieces = [];
  #cushion = firstCushion;
  #position = 0;
  #isPlaying = false;
  #timer = 0;
  #onSound = () => this.#schedule();

  /** Whether it is playing, or will as soon as there is sound. */
  get isPlaying() {
    return this.#isPlaying;
  }

  /** Whether it would play and has nothing to play. */
  get isWaiting() {
    return this.#isPlaying && this.#pieces.length === 0;
  }

  get take() {
    return this.#take;
  }

  /** Seconds of the take that have been heard. */
  get position() {
    if (!this.#context) return this.#position;
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    for (const { time, from, count } of this.#pieces) {
      if (now < time + count / sampleRate) return (from + Math.max(0, now - time) * sampleRate) / sampleRate;
    }
    return this.#pieces.length ? this.#next / sampleRate : this.#position;
  }

  /** @param {import("./take.js").Take | null} take */
  load(take) {
    this.stop();
    for (const name of ["sound", "end"]) {
      this.#take?.removeEventListener(name, this.#onSound);
      take?.addEventListener(name, this.#onSound);
    }
    [this.#take, this.#position, this.#cushion] = [take, 0, firstCushion];
  }

  /** Begins, or goes on; from the beginning where it was at the end. A person must have asked for it: browsers insist. */
  play() {
    if (!this.#take || this.#isPlaying) return;
    this.#context ??= new AudioContext({ sampleRate });
    void this.#context.resume();
    if (this.#take.isWhole && this.#position >= this.#take.seconds - 0.01) this.#position = 0;
    this.#next = Math.round(this.#position * sampleRate);
    this.#isPlaying = true;
    this.#timer = window.setInterval(() => this.#schedule(), 100);
    this.#schedule();
    this.#tell();
  }

  pause() {
    if (!this.#isPlaying) return;
    this.#position = this.position;
    this.#silence();
    this.#isPlaying = false;
    window.clearInterval(this.#timer);
    this.#tell();
  }

  stop() {
    this.pause();
    this.#position = 0;
  }

  /** @param {number} seconds */
  seek(seconds) {
    const isPlaying = this.#isPlaying;
    this.pause();
    this.#position = Math.max(0, Math.min(seconds, this.#take?.seconds ?? 0));
    if (isPlaying) this.play();
    else this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  #silence() {
    for (const { source } of this.#pieces) {
      source.onended = null;
      source.stop();
    }
    this.#pieces = [];
  }

  /** Hands on what there is, as far ahead as it should be. */
  #schedule() {
    const context = this.#context, take = this.#take;
    if (!this.#isPlaying || !context || !take) return;
    const samples = take.samples.all;
    if (this.#pieces.length === 0) {
      const left = (samples.length - this.#next) / sampleRate;
      if (left <= 0 && take.isWhole) return this.#end();
      if (left < this.#cushion && !take.isWhole) return;
    }
    while (this.#next < samples.length) {
      const last = this.#pieces.at(-1);
      // On the hardware's grid, so that no piece is shifted by part of a sample.
      const frame = last ? Math.round(last.time * sampleRate) + last.count : Math.ceil((context.currentTime + lead) * sampleRate);
      const time = frame / sampleRate;
      if (time > context.currentTime + ahead) return;
      const count = Math.min(samples.length - this.#next, piece * sampleRate);
      this.#hand(context, samples.subarray(this.#next, this.#next + count), time);
      this.#next += count;
      if (this.#pieces.length === 1) this.#tell();
    }
  }

  /**
   * @param {AudioContext} context
   * @param {Int16Array} samples
   * @param {number} time
   */
  #hand(context, samples, time) {
    const buffer = context.createBuffer(1, samples.length, sampleRate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32_768), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(time);
    source.onended = () => this.#ended(source);
    this.#pieces.push({ source, time, from: this.#next, count: samples.length });
  }

  /** @param {AudioBufferSourceNode} source */
  #ended(source) {
    const index = this.#pieces.findIndex((piece) => piece.source === source);
    if (index < 0) return;
    const last = this.#pieces[index];
    this.#pieces.splice(0, index + 1);
    if (this.#pieces.length) return;
    this.#position = (last.from + last.count) / sampleRate;
    if (this.#take && !this.#take.isWhole) {
      // It ran dry: more must come before it goes on, so that it does not stutter.
      this.#cushion = Math.min(largestCushion, 2 * this.#cushion);
      this.#tell();
    }
    this.#schedule();
  }

  #end() {
    this.#isPlaying = false;
    window.clearInterval(this.#timer);
    this.#position = this.#take?.seconds ?? 0;
    this.#tell();
  }
}
