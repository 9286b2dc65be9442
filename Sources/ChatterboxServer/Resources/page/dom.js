/** What every part of the page needs of the document. Texts become text nodes, never markup. */

/**
 * The element of an identifier.
 * @param {string} id
 * @returns {any} An HTMLElement; its user knows which.
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, any>} [properties] Attributes; a function is a listener (`onclick`), true an attribute without a value, and
 *   null, undefined or false leave it out.
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * One of the icons that `index.html` defines.
 * @param {string} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg", image = document.createElementNS(space, "svg"), use = document.createElementNS(space, "use");
  image.setAttribute("class", "icon");
  image.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  image.append(use);
  return image;
}

/**
 * Shows another icon in a button that has one.
 * @param {Element} button
 * @param {string} name
 */
export function setIcon(button, name) {
  button.querySelector("use")?.setAttribute("href", `#icon-${name}`);
}

/**
 * Seconds as people write them: 0:07, 12:05, 1:00:00.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return (hours ? `${hours}:${two(minutes)}` : `${minutes}`) + `:${two(whole % 60)}`;
}

/**
 * Shows a sentence in a place for messages; an empty one clears it.
 * @param {HTMLElement} place
 * @param {string} sentence
 * @param {"note" | "error"} [kind]
 */
export function say(place, sentence, kind = "note") {
  place.textContent = sentence;
  place.dataset.kind = kind;
  place.hidden = !sentence;
}

/**
 * What a person reads of an error.
 * @param {unknown} error
 */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/**
 * Saves bytes as a file of the person's.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const address = URL.createObjectURL(blob), link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
