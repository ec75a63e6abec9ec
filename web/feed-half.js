// @ts-check
/**
 * What a browser half of a transport is, and how feed.js comes by one.
 *
 * A half is a module with `open(where, on)`, which subscribes and gives a `Link`. It says nothing before `open` has returned, and
 * nothing after `close`.
 *
 * @typedef {{origin: string, namespace: string, room: string, after?: string}} Where  and the options of the transport's lane
 * @typedef {{event: string, data: unknown, to?: string, echo?: boolean, key?: string}} Draft
 * @typedef {{publish: (draft: Draft) => Promise<string>, close: () => void, pause?: () => void, resume?: () => void}} Link
 *   `publish` gives the position; it fails with a `Refusal`, or with another error when it is not known whether it was taken. `pause`
 *   stops asking, where there is something to stop.
 * @typedef {{
 *   ready: (position: string) => void,
 *   item: (text: string, at: number) => void,
 *   position: (position: string) => void,
 *   away: (away: {reason: string, retryIn: number, by: string}) => void,
 *   end: (error: Error) => void,
 * }} On  `ready`: it works and starts there, which a stream says by its hello item instead. `item`: every item's JSON text, and
 *   `performance.now()` as it came. `position`: it moved on over what is for others. `away`: the browser itself asks again, in so
 *   many milliseconds. `end`: once, and nothing follows.
 * @typedef {{open: (where: Where, on: On) => Link}} Half
 *
 * @typedef {{id: string, link: Link, isOver: boolean, isSending: boolean, timer?: ReturnType<typeof setTimeout>}} Carrier
 *   A link and how it stands with feed.js. The timer is of its publish: that it is answered, or when it is tried again.
 */

/** The server said no: what it said, and when it may be asked again. */
export class Refusal extends Error {
  /**
   * @param {number} status  of HTTP @param {string} detail @param {number} [retryAfter]  ms @param {number} [code]  of an announced end
   * @param {boolean} isOwn  whether the server said so, and not something before it
   */
  constructor(status, detail, retryAfter = 0, code = undefined, isOwn = true) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
    this.code = code;
    this.isOwn = isOwn;
  }

  /** Whether asking again is useless. What stands before a server says many things while one is replaced by another. */
  get isFinal() {
    return this.code ? this.code >= 3500 : this.isOwn && this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

/** There is no half for it. */
export class Unspoken extends Refusal {}

/** @typedef {{id: string, module: string | null, preference: number | null}} Offered */

/** What the server offers; asked for once. @type {Promise<Offered[]> | undefined} */
let offered;

/** How long the list may take, in milliseconds: as long as a connection by default. */
const LIST = 5_000;

/** @returns {Promise<Offered[]>} */
async function list() {
  const answer = await fetch(new URL("/v1/transports", import.meta.url), { signal: AbortSignal.timeout(LIST) });
  if (!answer.ok) throw new Error(`the list of transports is not to be had: ${answer.status}`);
  return answer.json();
}

/** The same, asked for again when it could not be had. */
async function known() {
  offered ??= list();
  return offered.catch((error) => {
    offered = undefined;
    throw error;
  });
}

/** The transports that a client may choose from, best first, as the server's list has them. */
export async function preferred() {
  const all = (await known()).filter(({ module, preference }) => module !== null && preference !== null);
  return all.sort((one, next) => Number(one.preference) - Number(next.preference)).map(({ id }) => id);
}

/** Loads it from where this file came from. @param {string} id @returns {Promise<Half>} */
export async function half(id) {
  const all = await known();
  const module = all.find((one) => one.id === id)?.module;
  if (!module) {
    const spoken = all.flatMap((other) => (other.module ? [other.id] : []));
    throw new Unspoken(404, `a browser cannot speak ${JSON.stringify(id)} to this server; choose from ${spoken.join(", ")}`);
  }
  return import(new URL(module, import.meta.url).href);
}

/** @param {Carrier} carrier */
export function retire(carrier) {
  carrier.isOver = true;
  clearTimeout(carrier.timer);
  carrier.link.close();
}
