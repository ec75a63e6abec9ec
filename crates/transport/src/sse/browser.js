// @ts-check
import { base, publisher } from "/http-feed.js";

/** After how long `EventSource` asks again when the server said nothing of it, in milliseconds: Chromium's. Firefox waits 5 s. */
const RETRY = 3_000;

/** How late a heartbeat may be, in milliseconds: what the server gives one. */
const LATE = 20_000;

/**
 * The browser half of Server-Sent Events. `EventSource` comes back by itself, with the last position.
 *
 * @param {import("/feed-half.js").Where} where
 * @param {import("/feed-half.js").On} on
 * @returns {import("/feed-half.js").Link}
 */
export function open(where, on) {
  const query = where.after ? `?after=${encodeURIComponent(where.after)}` : "";
  const source = new EventSource(`${base(where)}/sse${query}`, { withCredentials: true });
  const ended = new AbortController();
  let retryIn = RETRY;
  /** Between two things that are heard, in milliseconds; until hello nobody knows. */
  let silence = Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let dead;
  const hear = () => {
    clearTimeout(dead);
    if (silence < Infinity) dead = setTimeout(() => end(new Error(`nothing was heard for ${silence} ms`)), silence);
  };
  /** @param {Error} error */
  const end = (error) => {
    close();
    on.end(error);
  };
  /** @param {MessageEvent} event */
  const take = (event) => {
    on.item(event.data, performance.now());
    hear();
  };
  source.addEventListener("hello", ({ data }) => (silence = JSON.parse(data).hello.heartbeat_ms + LATE));
  for (const name of ["message", "hello", "gap", "close"]) source.addEventListener(name, take);
  source.addEventListener("heartbeat", hear);
  source.addEventListener("close", ({ data }) => {
    // The server sends it as the stream's retry time as well, which then holds for good.
    retryIn = JSON.parse(data).close.retry_after_ms;
  });
  source.onerror = () => {
    clearTimeout(dead);
    if (source.readyState === EventSource.CLOSED) end(new Error("the stream is refused"));
    else on.away({ reason: "the stream broke off", retryIn, by: "EventSource" });
  };
  const close = () => {
    clearTimeout(dead);
    ended.abort();
    source.close();
  };
  return { publish: publisher(where, ended.signal), close };
}
