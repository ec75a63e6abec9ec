// @ts-check
/**
 * The browser half of Server-Sent Events. `EventSource` comes back by itself with the last position.
 *
 * @param {{namespace: string, room: string, after?: string}} feed
 * @param {{onItem: (text: string) => void, onEnd: (reason: string) => void}} on  `onItem` gets every item's JSON text.
 * @returns {{publish: (event: string, data: unknown) => void, close: () => void}}
 */
export function subscribe(feed, on) {
  const base = `/v1/${feed.namespace}/${feed.room}`;
  const query = feed.after ? `?after=${encodeURIComponent(feed.after)}` : "";
  const source = new EventSource(`${base}/sse${query}`);
  /** @param {MessageEvent} event */
  const take = (event) => on.onItem(event.data);
  for (const name of ["message", "hello", "gap"]) source.addEventListener(name, take);
  source.addEventListener("close", (event) => {
    take(event);
    if (!JSON.parse(event.data).close.reconnect) source.close();
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) on.onEnd("the stream is closed");
  };
  return {
    publish(event, data) {
      const headers = { "content-type": "application/json" };
      fetch(`${base}/messages`, { method: "POST", headers, body: JSON.stringify({ event, data }) });
    },
    close() {
      source.close();
    },
  };
}
