// @ts-check
/** What the server counted of this session's connections, as differences over the last `WINDOW`. */
import { WINDOW } from "./samples.js";

/** The categories in the order of every stack: what was asked for first. What is below the stream comes last and is not summed. */
export const CATEGORIES = [
  ["payload", "payload", "the data itself"],
  ["envelope", "envelope", "the rest of the publication's JSON"],
  ["framing", "framing", "what the transport puts around it"],
  ["http_head", "HTTP heads", "of requests and answers that carried something"],
  ["empty_polls", "empty polls", "requests whose answer held nothing"],
  ["heartbeat", "heartbeats", "pings, pongs and what is sent to keep a line open"],
  ["handshake", "handshake", "all bytes until the subscription stood"],
];

/**
 * @typedef {Record<string, number>} Bytes  by category
 * @typedef {{port: number, transport: string | null, open: number, ever: number, requests: number, deliveries: number, down: Bytes, up: Bytes}} Row
 * @typedef {{seconds: number, requests: number, deliveries: number, down: Bytes, up: Bytes}} Span
 */

/** Whether the server has forgotten what it had counted: it was started anew, or the session is another. @param {Row[]} earlier @param {Row[]} later */
const isAnew = (earlier, later) =>
  earlier.some(({ port, transport, ever }) => ever > (later.find((row) => row.port === port && row.transport === transport)?.ever ?? 0));

/** Sums rows that are one lane's. @param {Row[]} rows */
function sum(rows) {
  const total = { requests: 0, deliveries: 0, down: /** @type {Bytes} */ ({}), up: /** @type {Bytes} */ ({}) };
  for (const row of rows) {
    total.requests += row.requests;
    total.deliveries += row.deliveries;
    for (const way of /** @type {const} */ (["down", "up"]))
      for (const [category, bytes] of Object.entries(row[way])) total[way][category] = (total[way][category] ?? 0) + bytes;
  }
  return total;
}

/** @param {Bytes} later @param {Bytes} [earlier] */
const minus = (later, earlier = {}) =>
  Object.fromEntries(Object.entries(later).map(([category, bytes]) => [category, bytes - (earlier[category] ?? 0)]));

/** The bytes of the stream: those below it are counted, but stand beside. @param {Bytes} bytes */
export const stream = (bytes) => CATEGORIES.reduce((total, [id]) => total + (bytes[id] ?? 0), bytes.tls ?? 0);

export class Ledger {
  /** @type {{at: number, rows: Row[]}[]} */
  #taken = [];
  /** The server counts nothing, and will not. */
  #isOff = false;
  /** Why there are no numbers; empty when there are. */
  reason = "nothing counted yet";

  /** Asks the server. One answer a second is enough; it is not counted itself, for it goes to the page's own port. */
  async look() {
    if (this.#isOff) return;
    try {
      const answer = await fetch("/v1/connections");
      const body = await answer.json();
      this.#isOff = answer.status === 404;
      if (!answer.ok) throw new Error(body.detail);
      const at = performance.now();
      if (isAnew(this.#taken.at(-1)?.rows ?? [], body.ledger)) this.#taken = [];
      this.#taken.push({ at, rows: body.ledger });
      // One older than the window stays: from it the window is measured.
      while (this.#taken.length > 2 && this.#taken[1].at < at - WINDOW) this.#taken.shift();
      this.reason = "";
    } catch (error) {
      this.reason = String(error instanceof Error ? error.message : error);
      this.#taken = [];
    }
  }

  /**
   * What was counted over the window, or since `since` when that is later.
   *
   * @param {(row: Row) => boolean} belongs @param {number} since  a time of `performance.now()`
   * @returns {Span | undefined}
   */
  span(belongs, since) {
    const last = this.#taken.at(-1);
    const first = this.#taken.find(({ at }) => at >= since);
    if (!last || !first || first === last) return undefined;
    const [from, to] = [first, last].map(({ rows }) => sum(rows.filter(belongs)));
    return {
      seconds: (last.at - first.at) / 1000,
      requests: to.requests - from.requests,
      deliveries: to.deliveries - from.deliveries,
      down: minus(to.down, from.down),
      up: minus(to.up, from.up),
    };
  }
}
