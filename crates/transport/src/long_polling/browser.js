// @ts-check
/**
 * The browser half of long polling.
 *
 * @param {{namespace: string, room: string, after?: string}} feed
 * @param {{onItem: (text: string) => void, onEnd: (reason: string) => void}} on  `onItem` gets every item's JSON text.
 * @returns {{publish: (event: string, data: unknown) => void, close: () => void}}
 */
export function subscribe(feed, on) {
  const base = `/v1/${feed.namespace}/${feed.room}`;
  const ended = new AbortController();
  let after = feed.after;

  async function poll() {
    const query = after ? `?after=${encodeURIComponent(after)}` : "";
    const answer = await fetch(`${base}/long-polling${query}`, { signal: ended.signal });
    if (answer.status === 204) {
      after = answer.headers.get("feed-position") ?? after;
      return;
    }
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail);
    after = body.position;
    for (const item of body.items) on.onItem(JSON.stringify(item));
  }

  (async () => {
    while (!ended.signal.aborted) await poll();
  })().catch((error) => on.onEnd(String(error)));

  return {
    publish(event, data) {
      const headers = { "content-type": "application/json" };
      fetch(`${base}/messages`, { method: "POST", headers, body: JSON.stringify({ event, data }) });
    },
    close() {
      ended.abort();
    },
  };
}
