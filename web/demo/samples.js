// @ts-check
/** What came in lately: delays with their times, forgotten after `WINDOW`. */

/** How far back quantiles and bytes look, in milliseconds: long enough for a p95 at two a second, short enough to show what a control did. */
export const WINDOW = 30_000;

/** A lane is silent that brought nothing for so long while another one did, in milliseconds: longer than people let it wait. */
export const SILENT = 8_000;

/** How far back the strip shows, in milliseconds. */
export const STRIP = 60_000;

export class Samples {
  /** By arrival. @type {{at: number, delay: number}[]} */
  #all = [];

  /** @param {number} at  of arrival, by this page's clock @param {number} delay  both in milliseconds */
  add(at, delay) {
    this.#all.push({ at, delay });
  }

  clear() {
    this.#all = [];
  }

  /** @param {number} now */
  forget(now) {
    const first = this.#all.findIndex(({ at }) => at > now - STRIP);
    if (first !== 0) this.#all.splice(0, first < 0 ? this.#all.length : first);
  }

  /** @param {number} now  The delays of the window, by size. */
  sorted(now) {
    const delays = [];
    for (let at = this.#all.length - 1; at >= 0 && this.#all[at].at > now - WINDOW; at--) delays.push(this.#all[at].delay);
    return Float64Array.from(delays).sort();
  }

  get last() {
    return this.#all.at(-1)?.delay;
  }

  /**
   * The middle delay of what was published in each slot of `step` milliseconds, the newest slot last; null where nothing was.
   *
   * @param {number} end  when the newest slot ends @param {number} step @param {number} count
   */
  slots(end, step, count) {
    /** @type {number[][]} */
    const slots = Array.from({ length: count }, () => []);
    for (const { at, delay } of this.#all) {
      const slot = count - 1 - Math.floor((end - (at - delay)) / step);
      if (slot >= 0 && slot < count) slots[slot].push(delay);
    }
    return slots.map((delays) => quantile(Float64Array.from(delays).sort(), 0.5) ?? null);
  }
}

/** @param {Float64Array} sorted @param {number} q  By rank, without interpolation: a delay that occurred. */
export const quantile = (sorted, q) => sorted[Math.max(Math.ceil(q * sorted.length) - 1, 0)];
