/** A take's waveform and spectrogram over one axis of time, with the position in it: to look at, and to move in. */

import { clock } from "./dom.js";
import { bandCount, frameRate, Spectrogram } from "./spectrum.js";

/** Pixels of a bar of the waveform, and between two. */
const bar = 2, gap = 1;

/** Tells of `seek`, with the seconds as its detail. */
export class Timeline extends EventTarget {
  /** @type {import("./take.js").Take | null} */
  #take = null;
  #spectrogram = new Spectrogram();
  /** @type {{heard: string, ahead: string, missing: string, bands: Uint8ClampedArray} | null} Of a band's 256 values, four bytes each. */
  #colours = null;
  #isStale = true;
  /** The position that is shown. */
  #shown = -1;
  #update = () => {
    this.#isStale = true;
  };

  /**
   * @param {HTMLElement} place A slider for assistive technology.
   * @param {HTMLCanvasElement} wave
   * @param {HTMLCanvasElement} spectrum
   * @param {HTMLElement} cursor
   */
  constructor(place, wave, spectrum, cursor) {
    super();
    [this.place, this.wave, this.spectrum, this.cursor] = [place, wave, spectrum, cursor];
    new ResizeObserver(() => this.repaint()).observe(place);
    place.addEventListener("pointerdown", (event) => {
      place.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    place.addEventListener("pointermove", (event) => {
      if (place.hasPointerCapture(event.pointerId)) this.#point(event);
    });
    place.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Seconds from the left to the right. */
  get #span() {
    return Math.max(0.5, this.#take?.expectedSeconds ?? 0);
  }

  /** @param {import("./take.js").Take | null} take */
  show(take) {
    this.#take?.removeEventListener("sound", this.#update);
    this.#take?.removeEventListener("end", this.#update);
    this.#take = take;
    take?.addEventListener("sound", this.#update);
    take?.addEventListener("end", this.#update);
    this.#spectrogram = new Spectrogram();
    this.repaint();
  }

  /** Paints all of it anew, as in other colours. */
  repaint() {
    [this.#isStale, this.#colours] = [true, null];
  }

  /**
   * Shows where playing stands.
   * @param {number} position Seconds.
   */
  draw(position) {
    if (!this.#isStale && position === this.#shown) return;
    const colours = (this.#colours ??= paint(getComputedStyle(this.place)));
    if (this.#isStale) {
      if (this.#take) this.#spectrogram.extend(this.#take.samples.all, this.#take.isWhole);
      this.#drawSpectrum(colours.bands);
    }
    this.#drawWave(position, colours);
    [this.#isStale, this.#shown] = [false, position];
    const share = Math.min(1, position / this.#span);
    this.cursor.style.setProperty("--share", String(share));
    this.cursor.hidden = !this.#take;
    this.place.setAttribute("aria-valuemax", this.#span.toFixed(1));
    this.place.setAttribute("aria-valuenow", position.toFixed(1));
    this.place.setAttribute("aria-valuetext", `${clock(position)} of ${clock(this.#span)}`);
  }

  /**
   * @param {number} position
   * @param {{heard: string, ahead: string, missing: string}} colours
   */
  #drawWave(position, { heard, ahead, missing }) {
    const { context, width, height, scale } = fit(this.wave), take = this.#take;
    context.clearRect(0, 0, width, height);
    const step = (bar + gap) * scale, bars = Math.floor(width / step), { peaks, frameCount } = this.#spectrogram;
    // The loudest reaches the edge, unless all of it is faint.
    const framesOfBar = (this.#span * frameRate) / bars, loudest = Math.max(0.1, this.#spectrogram.loudest);
    for (let index = 0; index < bars; index++) {
      const first = Math.floor(index * framesOfBar), last = Math.max(first + 1, Math.floor((index + 1) * framesOfBar));
      let peak = 0;
      for (let frame = first; frame < Math.min(last, frameCount); frame++) peak = Math.max(peak, peaks[frame]);
      const isThere = take && first < frameCount, tall = isThere ? Math.max(2 * scale, (peak / loudest) ** 0.75 * height) : scale;
      const isHeard = isThere && first / frameRate < position;
      context.fillStyle = isHeard ? heard : isThere ? ahead : missing;
      context.fillRect(index * step, (height - tall) / 2, bar * scale, tall);
    }
  }

  /** @param {Uint8ClampedArray} colours */
  #drawSpectrum(colours) {
    const { context, width, height } = fit(this.spectrum), { bands, frameCount } = this.#spectrogram;
    const image = new ImageData(width, bandCount), framesOfColumn = (this.#span * frameRate) / width;
    for (let column = 0; column < width; column++) {
      const first = Math.floor(column * framesOfColumn), last = Math.min(frameCount, Math.max(first + 1, Math.floor((column + 1) * framesOfColumn)));
      for (let band = 0; band < bandCount; band++) {
        let value = 0;
        for (let frame = first; frame < last; frame++) value = Math.max(value, bands[frame * bandCount + band]);
        const at = ((bandCount - 1 - band) * width + column) * 4;
        for (let channel = 0; channel < 4; channel++) image.data[at + channel] = colours[value * 4 + channel];
      }
    }
    const small = new OffscreenCanvas(width, bandCount);
    /** @type {any} */ (small.getContext("2d")).putImageData(image, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, width, height);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const { left, width } = this.place.getBoundingClientRect();
    this.#seek(((event.clientX - left) / width) * this.#span);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const now = Number(this.place.getAttribute("aria-valuenow"));
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - 10, PageUp: now + 10, Home: 0, End: this.#span };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.#seek(moves[event.key]);
  }

  /** @param {number} seconds */
  #seek(seconds) {
    if (this.#take) this.dispatchEvent(new CustomEvent("seek", { detail: seconds }));
  }
}

/**
 * Gives a canvas as many pixels as the screen has for it.
 * @param {HTMLCanvasElement} canvas
 */
function fit(canvas) {
  const scale = window.devicePixelRatio || 1, width = Math.max(1, Math.round(canvas.clientWidth * scale)), height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return { context: /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), width, height, scale };
}

/**
 * The colours of the theme: of the waveform, and of bands from silence over the accent to the loudest.
 * @param {CSSStyleDeclaration} style
 */
function paint(style) {
  const stops = ["--silence", "--faint", "--accent", "--loud"].map((name) => (style.getPropertyValue(name).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
  const colours = new Uint8ClampedArray(256 * 4);
  for (let value = 0; value < 256; value++) {
    const place = (value / 255) * (stops.length - 1), index = Math.min(stops.length - 2, Math.floor(place)), share = place - index;
    for (let channel = 0; channel < 3; channel++) colours[value * 4 + channel] = stops[index][channel] * (1 - share) + stops[index + 1][channel] * share;
    colours[value * 4 + 3] = 255;
  }
  return { heard: style.getPropertyValue("--accent"), ahead: style.getPropertyValue("--wave"), missing: style.getPropertyValue("--line"), bands: colours };
}
