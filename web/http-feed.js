// @ts-check
/**
 * What the browser halves of transports over plain requests share: the uplink, and asking for batches.
 *
 * @typedef {import("./feed-half.js").Where} Where
 * @typedef {import("./feed-half.js").On} On
 * @typedef {import("./feed-half.js").Draft} Draft
 * @typedef {import("./feed-half.js").Link} Link
 */
import { Refusal } from "./feed-half.js";

/** How long to wait after an answer that hints at nothing, in milliseconds: what the server hints at by default. */
const PAUSE = 1000;

/** How long a poll may take, in milliseconds: the longest that a server holds one (55 s), and what it gives a heartbeat. */
const PATIENCE = 75_000;

/** @param {Where} where */
export const base = ({ origin, namespace, room }) => `${origin}/v1/${namespace}/${room}`;

/** A refusal out of an answer; a proxy's is a page of its own. @param {Response} answer @param {string} text */
function refused({ status, statusText, headers }, text) {
  const isProblem = headers.get("content-type")?.startsWith("application/problem+json") ?? false;
  const { detail, code } = isProblem ? JSON.parse(text) : { detail: `${status} ${statusText}`, code: undefined };
  return new Refusal(status, detail, 1000 * Number(headers.get("retry-after")) || 0, code, isProblem);
}

/** Publishes by `POST`. @param {Where} where @param {AbortSignal} signal @returns {Link["publish"]} */
export const publisher = (where, signal) => async (draft) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${base(where)}/messages`, { method: "POST", headers, body: JSON.stringify(draft), credentials: "include", signal });
  const text = await answer.text();
  if (!answer.ok) throw refused(answer, text);
  return JSON.parse(text).position;
};

/**
 * The source texts of a batch's items: parsing and writing them again would change numbers and doubled keys.
 *
 * @param {string} batch
 */
export function itemTexts(batch) {
  const items = [];
  let from = batch.indexOf('"items":[') + 9;
  let depth = 0;
  let inString = false;
  for (let at = from; at < batch.length; at++) {
    const character = batch[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === "[" || character === "{") {
      depth++;
    } else if (depth > 0 && (character === "]" || character === "}")) {
      depth--;
    } else if (depth === 0 && (character === "," || character === "]")) {
      if (at > from) items.push(batch.slice(from, at));
      if (character === "]") break;
      from = at + 1;
    }
  }
  return items;
}

/** Where a subscription starts that asked for `after`, and whose first answer goes as far as `reached`. @param {string | undefined} after @param {string} reached */
function start(after, reached) {
  if (after === undefined) return reached;
  return after.includes(".") ? after : `${reached.split(".")[0]}.0`;
}

/**
 * Asks for batches until it is closed, sent away or cut.
 *
 * @param {Where} where @param {On} on
 * @param {(after: string | undefined, isFirst: boolean) => string} path  the transport's own last part and query
 * @param {(hinted: number) => number} pause  how long to wait after an answer that hints at this, in milliseconds
 * @returns {Link}
 */
export function poll(where, on, path, pause) {
  const uplink = new AbortController();
  let { after } = where;
  let isFirst = true;
  let asking = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {AbortSignal} signal */
  async function ask(signal) {
    timer = setTimeout(() => end(new Error(`no answer in ${PATIENCE} ms`)), PATIENCE);
    const answer = await fetch(`${base(where)}/${path(after, isFirst)}`, { credentials: "include", signal });
    const text = await answer.text();
    const at = performance.now();
    clearTimeout(timer);
    signal.throwIfAborted();
    if (!answer.ok) throw refused(answer, text);
    const isEmpty = answer.status === 204;
    const body = isEmpty ? { position: answer.headers.get("feed-position"), retry_after_ms: PAUSE } : JSON.parse(text);
    if (isFirst) on.ready(start(after, body.position));
    isFirst = false;
    after = body.position;
    if (!isEmpty) for (const item of itemTexts(text)) on.item(item, at);
    on.position(body.position);
    return pause(body.retry_after_ms);
  }

  async function go() {
    const { signal } = (asking = new AbortController());
    try {
      while (!signal.aborted) {
        const wait = await ask(signal);
        if (wait > 0 && !signal.aborted) await new Promise((wake) => (timer = setTimeout(wake, wait)));
      }
    } catch (error) {
      if (!signal.aborted) end(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  function end(error) {
    stop();
    on.end(error);
  }

  // What a request that is given up would have brought is asked for again.
  function stop() {
    clearTimeout(timer);
    asking.abort();
  }

  go();
  return {
    publish: publisher(where, uplink.signal),
    pause: stop,
    resume: go,
    close() {
      stop();
      uplink.abort();
    },
  };
}
