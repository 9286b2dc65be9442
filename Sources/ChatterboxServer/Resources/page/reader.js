/** The text as it is spoken: the word that sounds is marked, and a click on a word goes there. */

import { make } from "./dom.js";

/** Tells of `seek`, with the seconds as its detail. */
export class Reader extends EventTarget {
  /** @type {import("./words.js").Words | null} */
  #words = null;
  /** @type {HTMLElement[]} */
  #spans = [];
  #current = -1;

  /** @param {HTMLElement} place */
  constructor(place) {
    super();
    this.place = place;
    place.addEventListener("click", (event) => {
      const index = this.#spans.indexOf(/** @type {HTMLElement} */ (event.target));
      if (index >= 0) this.#seek(index);
    });
    place.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      this.#seek(this.#current + move);
    });
  }

  /** @param {import("./words.js").Words | null} words */
  show(words) {
    [this.#words, this.#current, this.#spans] = [words, -1, []];
    const pieces = document.createDocumentFragment();
    let end = 0;
    for (const word of words?.all ?? []) {
      const span = make("span", {}, word.text);
      pieces.append(words.text.slice(end, word.from), span);
      this.#spans.push(span);
      end = word.to;
    }
    this.place.replaceChildren(pieces);
    this.place.hidden = !words;
    this.place.scrollTop = 0;
  }

  /**
   * Marks the word that is heard.
   * @param {number} position Seconds.
   */
  draw(position) {
    if (!this.#words) return;
    const index = position > 0 ? this.#words.at(position) : -1;
    this.place.dataset.estimated = String(index >= 0 && this.#words.all[index].isEstimated);
    if (index === this.#current) return;
    for (let word = Math.min(index, this.#current) + 1; word <= Math.max(index, this.#current); word++) {
      this.#spans[word].classList.toggle("heard", word <= index);
    }
    this.#spans[this.#current]?.classList.remove("now");
    this.#spans[index]?.classList.add("now");
    this.#current = index;
    this.#follow(this.#spans[index]);
  }

  /**
   * Keeps the word in sight.
   * @param {HTMLElement | undefined} span
   */
  #follow(span) {
    if (!span) return;
    const top = span.offsetTop - this.place.offsetTop, { scrollTop, clientHeight } = this.place;
    if (top < scrollTop || top + span.offsetHeight > scrollTop + clientHeight - 8) this.place.scrollTop = top - clientHeight / 3;
  }

  /** @param {number} index */
  #seek(index) {
    const word = this.#words?.all[Math.max(0, Math.min(index, this.#spans.length - 1))];
    // Into the word, so that it is the one that is marked.
    if (word) this.dispatchEvent(new CustomEvent("seek", { detail: word.start + 0.001 }));
  }
}
