/** The server that this page came from: what it offers, and speech from it. */

import { events, SampleReader } from "./events.js";

/** Where the key is kept: for this tab, or where the person asks for it, on this device. */
const keyName = "chatterbox-key";

/**
 * @typedef {object} ModelEntry
 * @property {string} id
 * @property {string} state inactive, activating, active, deactivating or broken.
 * @property {string[] | null} languages Codes; null where it is not known.
 * @property {string[] | null} ignores Names of fields that it has no use for.
 * @property {string[]} voices Those that come with it.
 *
 * @typedef {object} VoiceEntry
 * @property {string} id
 * @property {number} created_at
 * @property {number} [bytes]
 * @property {boolean} deletable
 * @property {string[] | null} models Those that it comes with, and which alone speak in it.
 *
 * @typedef {object} SpokenWord
 * @property {string} word
 * @property {number} start Seconds from the beginning.
 * @property {number} end
 *
 * @typedef {object} SpeechListener
 * @property {(seed: string, warnings: string[]) => void} onStart
 * @property {(samples: Int16Array) => void} onSound 24 kHz, mono.
 * @property {(words: SpokenWord[], areEstimated: boolean) => void} onWords
 */

/** An answer that is an error, in the server's words. */
export class ServerError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Tells of `key` when there is another key, or none. */
export class Server extends EventTarget {
  /** @type {() => Promise<{key: string, stays: boolean} | null>} Asks the person for the key. */
  askForKey = async () => null;
  /** @type {Promise<boolean> | null} While the person is asked; all who need the key wait for the same answer. */
  #asking = null;

  /** The address that programs are given: this page's own, with `/v1`. */
  get address() {
    return new URL("v1", document.baseURI).href;
  }

  get key() {
    return sessionStorage.getItem(keyName) ?? localStorage.getItem(keyName);
  }

  /**
   * @param {string} key
   * @param {boolean} stays Whether it stays on this device.
   */
  setKey(key, stays) {
    sessionStorage.removeItem(keyName);
    localStorage.removeItem(keyName);
    if (key) (stays ? localStorage : sessionStorage).setItem(keyName, key);
    this.dispatchEvent(new Event("key"));
  }

  forgetKey() {
    this.setKey("", false);
  }

  /**
   * Asks the server; where it wants a key, asks the person for it and the server again.
   * @param {string} path Behind `v1/`.
   * @param {RequestInit} [options]
   * @param {boolean} [isQuiet] Whether a missing key is an error at once: for what nobody has asked for.
   * @returns {Promise<Response>} An answer that is no error.
   * @throws {ServerError}
   */
  async ask(path, options = {}, isQuiet = false) {
    const key = this.key, headers = new Headers(options.headers);
    if (key) headers.set("Authorization", `Bearer ${key}`);
    let response;
    try {
      response = await fetch(new URL(`v1/${path}`, document.baseURI), { ...options, headers, cache: "no-store" });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new ServerError(0, "the server cannot be reached");
    }
    if (response.ok) return response;
    // Another request may have got the key meanwhile.
    if (response.status === 401 && !isQuiet && (key !== this.key || (await this.#getKey()))) return this.ask(path, options);
    const body = await response.json().catch(() => null);
    throw new ServerError(response.status, body?.error?.message ?? `the server answered ${response.status}`);
  }

  #getKey() {
    this.#asking ??= (async () => {
      const answer = await this.askForKey();
      this.#asking = null;
      if (answer) this.setKey(answer.key, answer.stays);
      return answer !== null;
    })();
    return this.#asking;
  }

  /** @returns {Promise<ModelEntry[]>} */
  async models() {
    return (await (await this.ask("models")).json()).data;
  }

  /** @returns {Promise<VoiceEntry[]>} */
  async voices() {
    return (await (await this.ask("audio/voices")).json()).data;
  }

  /**
   * @param {string} name
   * @param {Blob} recording
   */
  async addVoice(name, recording) {
    const form = new FormData();
    form.append("name", name);
    form.append("consent", "confirmed on the page");
    form.append("audio_sample", recording, "recording");
    await this.ask("audio/voices", { method: "POST", body: form });
  }

  /** @param {string} name */
  async removeVoice(name) {
    await this.ask(`audio/voices/${encodeURIComponent(name)}`, { method: "DELETE" });
  }

  /**
   * Speaks, and hands on sound and words as they come.
   * @param {Record<string, any>} order What to speak, in the fields of the API.
   * @param {SpeechListener} listener
   * @param {AbortSignal} signal Ends it; the server is free again at once.
   * @throws {ServerError} What went wrong; also in the middle.
   */
  async speak(order, listener, signal) {
    const response = await this.#order({ ...order, response_format: "pcm", stream_format: "sse", timestamps: true }, signal);
    const warnings = response.headers.get("x-chatterbox-warning");
    listener.onStart(response.headers.get("x-chatterbox-seed") ?? "", warnings ? [decoded(warnings)] : []);
    const reader = new SampleReader();
    for await (const event of events(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
      if (event.type === "speech.audio.delta") listener.onSound(reader.read(event.audio));
      else if (event.type === "speech.audio.words") listener.onWords(event.words, event.estimated);
      else if (event.type === "speech.audio.error") throw new ServerError(500, event.error.message);
    }
  }

  /**
   * The same speech as a file. It is streamed, so that it is sample for sample what was heard.
   * @param {Record<string, any>} order With its seed.
   * @param {string} format
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  async file(order, format, signal) {
    return (await this.#order({ ...order, response_format: format }, signal)).blob();
  }

  /**
   * @param {Record<string, any>} order
   * @param {AbortSignal} [signal]
   */
  #order(order, signal) {
    return this.ask("audio/speech", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order), signal });
  }
}

/**
 * What a header says: characters beyond ASCII stand in it as in addresses.
 * @param {string} text
 */
export function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
