/** What was spoken, kept in this browser and nowhere else. */

import { clock, icon, make } from "./dom.js";
import { Take } from "./take.js";

/** How many takes are kept, and how many seconds of them all; the oldest go. */
const most = 50, mostSeconds = 2 * 3600;

/** The takes in the browser's own database: what a list shows of them, and apart from that their sound. */
class TakeStore {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;

  #open() {
    this.#database ??= new Promise((done, failed) => {
      const request = indexedDB.open("chatterbox", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("takes", { keyPath: "id", autoIncrement: true });
        request.result.createObjectStore("sounds");
      };
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    return this.#database;
  }

  /**
   * @template Result
   * @param {IDBTransactionMode} mode
   * @param {(takes: IDBObjectStore, sounds: IDBObjectStore) => IDBRequest<Result>} act Its answer is the result.
   * @returns {Promise<Result>} When all is written.
   */
  async #do(mode, act) {
    const transaction = (await this.#open()).transaction(["takes", "sounds"], mode);
    const request = act(transaction.objectStore("takes"), transaction.objectStore("sounds"));
    return new Promise((done, failed) => {
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = () => failed(transaction.error);
    });
  }

  /** All of them without their sound, the newest first. */
  async all() {
    return (await this.#do("readonly", (takes) => takes.getAll())).reverse();
  }

  /** @param {number} id */
  sound(id) {
    return this.#do("readonly", (_, sounds) => sounds.get(id));
  }

  /**
   * @param {any} record
   * @param {Int16Array} samples
   * @returns {Promise<any>} Its number.
   */
  add(record, samples) {
    return this.#do("readwrite", (takes, sounds) => {
      const request = takes.add(record);
      request.onsuccess = () => sounds.add(samples, request.result);
      return request;
    });
  }

  /** @param {number} id */
  remove(id) {
    return this.#do("readwrite", (takes, sounds) => (takes.delete(id), sounds.delete(id)));
  }

  clear() {
    return this.#do("readwrite", (takes, sounds) => (takes.clear(), sounds.clear()));
  }
}

/** The list of takes. Tells of `open`, with the take as its detail. */
export class History extends EventTarget {
  #store = new TakeStore();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} empty What stands there while nothing does.
   * @param {HTMLButtonElement} clear
   */
  constructor(list, empty, clear) {
    super();
    [this.list, this.empty, this.clear] = [list, empty, clear];
    clear.addEventListener("click", async () => {
      await this.#store.clear();
      await this.show();
    });
  }

  /** @param {Take} take */
  async add(take) {
    take.id = await this.#store.add(take.record, take.samples.all.slice());
    let seconds = 0;
    for (const [index, record] of (await this.#store.all()).entries()) {
      seconds += Number(record.seconds) || 0;
      if (index >= most || (index > 0 && seconds > mostSeconds)) await this.#store.remove(record.id);
    }
    await this.show();
  }

  /**
   * Shows what is there. A browser that keeps nothing, as in private windows, has an empty history. A record that is broken, as one of
   * another version of the page, is left out; it goes when all are cleared.
   */
  async show() {
    const records = await this.#store.all().catch(() => []);
    const rows = records.flatMap((record) => {
      try {
        return [this.#row(record)];
      } catch {
        return [];
      }
    });
    this.list.replaceChildren(...rows);
    this.empty.hidden = rows.length > 0;
    this.clear.hidden = records.length === 0;
  }

  /** @param {any} record */
  #row(record) {
    const { id, order, seconds, time } = record, text = order.input.slice(0, 200);
    const when = new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    const open = make("button", { class: "row-main", type: "button", onclick: async () => {
      this.dispatchEvent(new CustomEvent("open", { detail: Take.from(record, await this.#store.sound(id)) }));
    } }, make("span", { class: "row-title" }, text), make("span", { class: "row-detail" }, `${order.voice} · ${order.model} · ${clock(seconds)} · ${when}`));
    const remove = make("button", { class: "quiet", type: "button", "aria-label": `Delete: ${text}`, title: "Delete", onclick: async () => {
      await this.#store.remove(id);
      await this.show();
    } }, icon("trash"));
    return make("li", { class: "row" }, open, remove);
  }
}
