// @ts-check
/**
 * What a feed publishes, in order, until it is answered.
 *
 * @typedef {import("./feed-half.js").Draft} Draft
 * @typedef {import("./feed-half.js").Carrier} Carrier
 * @typedef {{draft: Draft, done: PromiseWithResolvers<string>}} Publish
 */
import { Refusal } from "./feed-half.js";

/** When a publish is tried again that was told no time, in milliseconds. */
const AGAIN = 1_000;

/** How long a publish waits for its answer before the link counts as dead, in milliseconds: what the server gives a heartbeat. */
const ANSWER = 20_000;

export class Outbox {
  /** @type {Publish[]} */
  #publishes = [];

  /** @param {number} limit @param {(publishes: number) => void} tell  how many there are, when that changes */
  constructor(limit, tell) {
    this.limit = limit;
    this.tell = tell;
  }

  get size() {
    return this.#publishes.length;
  }

  /** @param {Draft} draft @returns {Promise<string>} the position, when it is answered */
  add(draft) {
    if (this.size >= this.limit) throw new Error(`${this.limit} publishes wait for an answer already; publish less or raise bufferLimit`);
    // As it is now, and what is no JSON fails here.
    const publish = { draft: JSON.parse(JSON.stringify(draft)), done: Promise.withResolvers() };
    this.#publishes.push(publish);
    this.tell(this.size);
    return publish.done.promise;
  }

  /**
   * Sends what there is, one after the other: together, what is refused for now would be overtaken.
   *
   * @param {Carrier} carrier @param {() => boolean} carries  whether it still does @param {(error: Error) => void} lost  when it does not answer
   */
  async send(carrier, carries, lost) {
    if (carrier.isSending) return;
    carrier.isSending = true;
    while (this.size > 0 && carries()) {
      const [publish] = this.#publishes;
      carrier.timer = setTimeout(() => lost(new Error(`a publish was not answered in ${ANSWER} ms`)), ANSWER);
      try {
        const position = await carrier.link.publish(publish.draft);
        clearTimeout(carrier.timer);
        this.#settle(publish, () => publish.done.resolve(position));
      } catch (error) {
        clearTimeout(carrier.timer);
        const refusal = error instanceof Refusal ? error : undefined;
        if (refusal?.isFinal) this.#settle(publish, () => publish.done.reject(error));
        // Nobody knows whether it was taken; its key lets it be sent again.
        else if (!carrier.isOver) await new Promise((wake) => (carrier.timer = setTimeout(wake, refusal?.retryAfter || AGAIN)));
      }
    }
    carrier.isSending = false;
  }

  /** @param {Error} error */
  fail(error) {
    for (const { done } of this.#publishes.splice(0)) done.reject(error);
  }

  /** Once, though two links may have answered. @param {Publish} publish @param {() => void} settle */
  #settle(publish, settle) {
    if (this.#publishes[0] !== publish) return;
    this.#publishes.shift();
    settle();
    this.tell(this.size);
  }
}
