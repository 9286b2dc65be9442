/** Recordings of a voice: from the microphone, or from a file. */

import { asInt16, LevelMeter, wav } from "./sound.js";

/** Seconds after which recording ends: more is not used of a voice. */
export const longest = 30;

/**
 * A recording with what it is like.
 * @typedef {{blob: Blob, meter: LevelMeter}} Recording
 */

/** Tells of `level` while it records, and of `end` when it has reached its longest. */
export class Recorder extends EventTarget {
  /** @type {Float32Array[]} */
  #blocks = [];
  /** @type {MediaStream | null} */
  #microphone = null;
  /** @type {AudioContext | null} */
  #context = null;
  meter = new LevelMeter(48_000);

  /** Why the microphone cannot be had here; empty where it can. */
  static get obstacle() {
    if (!window.isSecureContext) return "Browsers allow the microphone only for pages loaded over HTTPS or from this machine. Choose a file instead.";
    return "mediaDevices" in navigator && "audioWorklet" in AudioContext.prototype ? "" : "This browser cannot record. Choose a file instead.";
  }

  get isRecording() {
    return this.#context !== null;
  }

  /** @throws {Error} Where the person or the browser says no. */
  async start() {
    if (this.#context) return;
    // As it is: what makes calls clearer changes a voice.
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    try {
      this.#microphone = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new Error(error instanceof DOMException && error.name === "NotAllowedError" ? "access to the microphone was denied" : "no microphone was found");
    }
    const context = (this.#context = new AudioContext());
    await context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
    [this.#blocks, this.meter] = [[], new LevelMeter(context.sampleRate)];
    const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => this.#take(data);
    context.createMediaStreamSource(this.#microphone).connect(node);
  }

  /** @param {Float32Array} block */
  #take(block) {
    if (!this.#context) return;
    this.#blocks.push(block);
    this.meter.add(block);
    this.dispatchEvent(new Event("level"));
    if (this.meter.seconds >= longest) this.dispatchEvent(new Event("end"));
  }

  /**
   * Ends it and lets go of the microphone.
   * @returns {Recording | null} null where nothing was heard.
   */
  stop() {
    const context = this.#context;
    if (!context) return null;
    this.#context = null;
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    void context.close();
    const all = new Float32Array(this.#blocks.reduce((sum, block) => sum + block.length, 0));
    let at = 0;
    for (const block of this.#blocks) {
      all.set(block, at);
      at += block.length;
    }
    this.#blocks = [];
    return all.length ? { blob: wav(asInt16(all), context.sampleRate), meter: this.meter } : null;
  }
}

/** Types that every server reads; others are decoded here. */
const readable = /\.(wav|flac|mp3|ogg|opus|aiff?)$/i;
/** The most bytes that the server takes, and samples in a second of what is decoded here. */
const mostBytes = 10 << 20, decodedRate = 48_000;

/**
 * A person's file as a recording: as it is where the server reads it, else as WAV, of at most what a voice uses.
 * @param {File} file
 * @returns {Promise<Recording>}
 * @throws {Error} Where the browser cannot read it.
 */
export async function recordingOf(file) {
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, decodedRate).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not a sound file that this browser can read`);
  }
  const meter = new LevelMeter(decodedRate), samples = mono(decoded);
  meter.add(samples);
  if (readable.test(file.name) && file.size <= mostBytes) return { blob: file, meter };
  return { blob: wav(asInt16(samples.subarray(0, 2 * longest * decodedRate)), decodedRate), meter };
}

/** @param {AudioBuffer} sound */
function mono(sound) {
  const mixed = sound.getChannelData(0).slice(), count = sound.numberOfChannels;
  for (let channel = 1; channel < count; channel++) sound.getChannelData(channel).forEach((number, index) => (mixed[index] += number));
  return count === 1 ? mixed : mixed.map((number) => number / count);
}
