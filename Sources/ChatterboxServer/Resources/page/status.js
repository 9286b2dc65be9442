/** How the server is: whether it is ready, who speaks and who waits, how fast it is. */

import { ServerError } from "./server.js";

/** Milliseconds between two looks: while something is spoken, and otherwise. */
const busy = 1000, idle = 5000;

/**
 * Figures as Prometheus reads them.
 * @param {string} text
 * @returns {{name: string, labels: Record<string, string>, value: number}[]}
 */
export function figures(text) {
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels = "", value]) => ({
    name, value: Number(value), labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text])),
  }));
}

/** Tells of `change`. */
export class Status extends EventTarget {
  /** @type {"unknown" | "starting" | "ready" | "away" | "locked"} */
  state = "unknown";
  running = 0;
  waiting = 0;
  /** Seconds of sound in a second of work, of what it has spoken so far; 0 where that is nothing. */
  speed = 0;
  /** Whether the server tells its figures: a proxy may keep them to itself. */
  hasFigures = false;
  #timer = 0;

  /** @param {import("./server.js").Server} server */
  constructor(server) {
    super();
    this.server = server;
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Looks now, and again after a while as long as somebody sees the page. */
  async look() {
    window.clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      await this.server.ask("ready", {}, true);
      this.state = "ready";
      await this.#lookAtFigures();
    } catch (error) {
      const status = error instanceof ServerError ? error.status : 0;
      this.state = status === 401 ? "locked" : status === 503 ? "starting" : "away";
    }
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.look(), this.running > 0 || this.state !== "ready" ? busy : idle);
    this.dispatchEvent(new Event("change"));
  }

  /** @throws {ServerError} Where that tells of more than of figures: a key is wanted, or nobody answers. */
  async #lookAtFigures() {
    try {
      this.#take(figures(await (await this.server.ask("metrics", {}, true)).text()));
      this.hasFigures = true;
    } catch (error) {
      if (!(error instanceof ServerError) || error.status === 401 || error.status === 0) throw error;
      [this.hasFigures, this.running, this.waiting, this.speed] = [false, 0, 0, 0];
    }
  }

  /** @param {ReturnType<typeof figures>} all */
  #take(all) {
    const sum = (/** @type {string} */ name) => all.filter((figure) => figure.name === `chatterbox_${name}`).reduce((sum, { value }) => sum + value, 0);
    [this.running, this.waiting] = [sum("num_requests_running"), sum("num_requests_waiting")];
    this.speed = sum("audio_rtf_sum") > 0 ? sum("audio_rtf_count") / sum("audio_rtf_sum") : 0;
  }

  /** A person's sentence for it. */
  get sentence() {
    const speed = this.speed ? `, ${this.speed.toFixed(1)}× real time` : "";
    switch (this.state) {
      case "starting": return "The server is loading its model";
      case "away": return "The server cannot be reached";
      case "locked": return "The server requires an API key";
      case "ready": return !this.hasFigures ? "The server is ready" : `${this.running} speaking, ${this.waiting} waiting${speed}`;
      default: return "Connecting to the server";
    }
  }
}
