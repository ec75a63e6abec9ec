// @ts-check
/**
 * What the browser halves of transports over plain requests share: the uplink, and asking for batches.
 *
 * @typedef {{namespace: string, room: string, after?: string}} Feed
 * @typedef {{onItem: (text: string) => void, onEnd: (reason: string) => void}} On  `onItem` gets every item's JSON text.
 */

/** How long to wait after a request that found no server, in milliseconds. */
const AWAY = 1000;

/** @param {Feed} feed */
export const base = (feed) => `/v1/${feed.namespace}/${feed.room}`;

/** @param {Feed} feed @param {On} on */
export function publisher(feed, on) {
  /** @param {string} event @param {unknown} data */
  return async (event, data) => {
    const headers = { "content-type": "application/json" };
    try {
      const answer = await fetch(`${base(feed)}/messages`, { method: "POST", headers, body: JSON.stringify({ event, data }) });
      if (!answer.ok) on.onItem(JSON.stringify({ error: await answer.json() }));
    } catch (away) {
      on.onItem(JSON.stringify({ error: { status: 0, detail: String(away) } }));
    }
  };
}

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

/**
 * Asks for batches until it is closed or sent away.
 *
 * @param {Feed} feed @param {On} on
 * @param {string} path  the transport's own last part
 * @param {(hinted: number) => number} pause  how long to wait after an answer that hints at this, in milliseconds
 */
export function poll(feed, on, path, pause) {
  const ended = new AbortController();
  let after = feed.after;

  async function ask() {
    const query = after ? `?after=${encodeURIComponent(after)}` : "";
    const answer = await fetch(`${base(feed)}/${path}${query}`, { signal: ended.signal });
    if (answer.status === 204) {
      after = answer.headers.get("feed-position") ?? after;
      return pause(AWAY);
    }
    const text = await answer.text();
    const body = JSON.parse(text);
    if (answer.ok) {
      after = body.position;
      itemTexts(text).forEach(on.onItem);
      return pause(body.retry_after_ms);
    }
    const wait = 1000 * Number(answer.headers.get("retry-after") ?? 1);
    // Codes from 3500 on, and refusals without one, stay away.
    const reconnect = body.code < 3500;
    if (body.code) on.onItem(JSON.stringify({ close: { code: body.code, reason: body.detail, reconnect, retry_after_ms: wait } }));
    if (reconnect) return wait;
    ended.abort();
    on.onEnd(body.detail);
    return 0;
  }

  (async () => {
    while (!ended.signal.aborted) {
      // No server, or none any more: it may come back.
      const wait = await ask().catch(() => AWAY);
      if (wait > 0) await new Promise((wake) => setTimeout(wake, wait));
    }
  })();

  return { publish: publisher(feed, on), close: () => ended.abort() };
}
