// @ts-check
/** Numbers for people: three significant digits, a unit beside each. */

const THREE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number} count */
export const whole = (count) => WHOLE.format(count);

/** @param {number} value  Three digits, and all of them from 100 on. */
export const number = (value) => (Math.abs(value) >= 100 ? whole(value) : THREE.format(value));

/** @param {number | undefined} ms @param {number} bound  what is smaller than the clock's bound says so */
export function delay(ms, bound = 0) {
  if (ms === undefined) return "–";
  if (ms < bound) return `< ${number(bound)} ms`;
  return ms < 9_999.5 ? `${number(ms)} ms` : `${number(ms / 1000)} s`;
}

/** @param {number} ms  A length of time in a sentence. */
export const time = (ms) => (ms < 1000 ? `${number(ms)} ms` : `${number(ms / 1000)} s`);

/** @param {number | undefined} bytes */
export const size = (bytes) => (bytes === undefined ? "–" : bytes < 99_999.5 ? `${number(bytes)} B` : `${number(bytes / 1000)} kB`);

/** @param {number} count @param {string} one @param {string} [more] */
export const plural = (count, one, more = `${one}s`) => `${whole(count)} ${count === 1 ? one : more}`;
