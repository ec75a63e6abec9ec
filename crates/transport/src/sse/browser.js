// @ts-check
import { base, publisher } from "/http-feed.js";

/**
 * The browser half of Server-Sent Events. `EventSource` comes back by itself with the last position.
 *
 * @param {import("/http-feed.js").Feed} feed
 * @param {import("/http-feed.js").On} on
 */
export function subscribe(feed, on) {
  const query = feed.after ? `?after=${encodeURIComponent(feed.after)}` : "";
  const source = new EventSource(`${base(feed)}/sse${query}`);
  /** @param {MessageEvent} event */
  const take = (event) => on.onItem(event.data);
  for (const name of ["message", "hello", "gap"]) source.addEventListener(name, take);
  source.addEventListener("close", (event) => {
    take(event);
    const { close } = JSON.parse(event.data);
    if (close.reconnect) return;
    source.close();
    on.onEnd(close.reason);
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) on.onEnd("the stream is closed");
  };
  return { publish: publisher(feed, on), close: () => source.close() };
}
