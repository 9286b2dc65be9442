/** The words of a text and when each is heard. */

/** Characters that are spoken in a second, about, until a speech tells its own rate. */
export const usualRate = 15;

/**
 * @typedef {object} Word
 * @property {string} text
 * @property {number} from Where it begins in the text.
 * @property {number} to
 * @property {number} start Seconds.
 * @property {number} end
 * @property {boolean} isKnown Whether the server has told its time.
 * @property {boolean} isEstimated Whether that time is a guess.
 */

export class Words {
  /** @type {Word[]} */
  all = [];
  /** The first whose time has not been told. */
  #next = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
    for (const match of text.matchAll(/\S+/g)) {
      const from = match.index, to = from + match[0].length;
      this.all.push({ text: match[0], from, to, start: 0, end: 0, isKnown: false, isEstimated: true });
    }
    this.estimate(0, false);
  }

  /** Whether times that have been told are guesses. */
  get areEstimated() {
    return this.all.some((word) => word.isKnown && word.isEstimated);
  }

  /** Seconds that the text takes to speak, about. */
  get expectedSeconds() {
    return this.all.at(-1)?.end ?? 0;
  }

  /**
   * Takes times that the server tells. Its words follow one another in the text; one of its words may be several here ("25 °C"), and
   * some of the text is no word to it ("[pause]").
   * @param {import("./server.js").SpokenWord[]} words
   * @param {boolean} areEstimated
   */
  tell(words, areEstimated) {
    for (const { word: text, start, end } of words) {
      const parts = text.split(/\s+/).filter(bare), letters = parts.join("").length;
      let begin = start;
      for (const part of parts) {
        const until = begin + ((end - start) * part.length) / letters;
        this.#tell(bare(part), begin, until, areEstimated);
        begin = until;
      }
    }
  }

  /**
   * @param {string} text
   * @param {number} start
   * @param {number} end
   * @param {boolean} isEstimated
   */
  #tell(text, start, end, isEstimated) {
    const index = this.#find(text), word = this.all[index];
    if (!word) return;
    // Of a word that is several to the server, each lengthens it.
    if (!word.isKnown) word.start = start;
    [word.end, word.isKnown, word.isEstimated] = [end, true, isEstimated];
    this.#next = Math.max(this.#next, index + 1);
  }

  /**
   * Which word of the text a spoken one is: the next that is the same, else the one that it is a part of; -1 where there is none.
   * @param {string} spoken
   */
  #find(spoken) {
    const nearby = this.all.slice(this.#next, this.#next + 40).findIndex((word) => bare(word.text) === spoken);
    if (nearby >= 0) return this.#next + nearby;
    for (const index of [this.#next - 1, this.#next]) if (this.all[index] && bare(this.all[index].text).includes(spoken)) return index;
    return -1;
  }

  /**
   * Guesses when the words are heard that the server has not told of.
   * @param {number} seconds Of sound so far.
   * @param {boolean} isWhole Whether that is all of it.
   */
  estimate(seconds, isWhole) {
    const last = this.all.findLastIndex((word) => word.isKnown), known = this.all[last];
    const rate = known && known.end > 1 ? known.to / known.end : usualRate;
    const begin = known?.end ?? 0, from = known?.to ?? 0;
    const share = isWhole ? Math.max(0.01, seconds - begin) / Math.max(1, this.text.length - from) : 1 / rate;
    let before = 0;
    this.all.forEach((word, index) => {
      if (word.isKnown) {
        before = word.end;
      } else if (index > last) {
        word.start = begin + (word.from - from) * share;
        word.end = begin + (word.to - from) * share;
      } else {
        [word.start, word.end] = [before, before];
      }
    });
  }

  /**
   * The word that is heard at a time; between two, the one before. -1 where there is none.
   * @param {number} seconds
   */
  at(seconds) {
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.all[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/**
 * A text in parts of at most so many characters, cut behind a paragraph, else a sentence, else a word, where there is one in the
 * second half of a part. Together they are the text.
 * @param {string} text
 * @param {number} most
 * @returns {string[]}
 */
export function parts(text, most) {
  const all = [];
  let rest = text;
  while (rest.length > most) {
    const room = rest.slice(0, most), ends = [/\n\s*\n(?=\S)/g, /[.!?…。！？]["'”’)]*\s+(?=\S)/g, /\s+(?=\S)/g];
    const places = ends.map((end) => Math.max(0, ...[...room.matchAll(end)].map((match) => match.index + match[0].length)));
    const place = places.find((place) => place > most / 2) ?? most;
    all.push(rest.slice(0, place));
    rest = rest.slice(place);
  }
  return rest.trim() || !all.length ? [...all, rest] : all;
}

/**
 * A word without the signs around it.
 * @param {string} text
 */
function bare(text) {
  return text.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}
