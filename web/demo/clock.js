// @ts-check
/**
 * How the server's clock stands to this page's, and how well that is known.
 *
 * A publication says when the server took it. One that this page sent itself was taken after it was sent and before it was heard
 * of, so each gives two bounds of the difference; all of the last minute together give the narrowest. When they contradict one
 * another a clock was set, and only the newest counts.
 */

/** How long a sample counts, in milliseconds: clocks drift. */
const LIFE = 60_000;

/** This page's time in milliseconds since 1970, from the clock that never steps. @param {number} now  of `performance` */
export const absolute = (now) => performance.timeOrigin + now;

export class Clock {
  /** @type {{at: number, low: number, high: number}[]} */
  #samples = [];
  #low = -Infinity;
  #high = Infinity;

  /**
   * One exchange: the server's time lay between the two of this page. All in milliseconds since 1970.
   *
   * @param {number} server @param {number} before @param {number} after
   */
  add(server, before, after) {
    const sample = { at: after, low: server - after, high: server - before };
    this.#samples = this.#samples.filter(({ at }) => at > after - LIFE);
    this.#samples.push(sample);
    this.#low = Math.max(...this.#samples.map(({ low }) => low));
    this.#high = Math.min(...this.#samples.map(({ high }) => high));
    if (this.#low > this.#high) {
      this.#samples = [sample];
      ({ low: this.#low, high: this.#high } = sample);
    }
  }

  /** By how much a delay may be wrong either way, in milliseconds; infinite without an exchange in the last minute. */
  get bound() {
    const last = this.#samples.at(-1);
    return last && absolute(performance.now()) - last.at < LIFE ? (this.#high - this.#low) / 2 : Infinity;
  }

  /** How long something that the server took then was on its way here. @param {number} server @param {number} here  in milliseconds since 1970 */
  delay(server, here) {
    return here - server + (this.#low + this.#high) / 2;
  }
}

/** The smallest step of this page's clock, in milliseconds. Browsers make it coarse where a page is not isolated. */
export function resolution() {
  let smallest = Infinity;
  for (let turn = 0; turn < 20; turn++) {
    const start = performance.now();
    let next = start;
    while (next === start) next = performance.now();
    smallest = Math.min(smallest, next - start);
  }
  return smallest;
}
