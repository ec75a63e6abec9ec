// @ts-check
/** Making elements. */

/**
 * An element with attributes, listeners (functions, by the event's name) and children.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, unknown>} [attributes] @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** The element of this id, of which the page says what it is. @template {HTMLElement} T @param {string} id @param {new () => T} type */
export function find(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/** Changes the text only when it is another, so that nothing is laid out for nothing. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A transport's mark, as in the reports. */
const MARKS = {
  circle: "M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10z",
  square: "M3.5 3.5h9v9h-9z",
  triangle: "M8 2.5l5.8 10.5h-11.6z",
  diamond: "M8 2l6 6l-6 6l-6-6z",
  cross: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  line: "M2 8h12",
};

/** @param {{mark: string, colour: {light: string, dark: string}}} transport */
export function mark({ mark: shape, colour }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", MARKS[/** @type {keyof typeof MARKS} */ (shape)] ?? MARKS.circle);
  svg.append(path);
  paint(svg, colour);
  return svg;
}

/** Gives an element a lane's colour. @param {HTMLElement | SVGElement} element @param {{light: string, dark: string}} colour */
export function paint(element, { light, dark }) {
  element.style.setProperty("--lane-light", light);
  element.style.setProperty("--lane-dark", dark);
}
