// @ts-check
/**
 * The browser half of WebSocket.
 *
 * @param {{namespace: string, room: string, after?: string}} feed
 * @param {{onItem: (text: string) => void, onEnd: (reason: string) => void}} on  `onItem` gets every item's JSON text.
 * @returns {{publish: (event: string, data: unknown) => void, close: () => void}}
 */
export function subscribe(feed, on) {
  const url = new URL(`/v1/${feed.namespace}/${feed.room}/websocket`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (feed.after) url.searchParams.set("after", feed.after);
  const socket = new WebSocket(url);
  let reference = 0;
  socket.onmessage = (message) => on.onItem(message.data);
  socket.onclose = (end) => on.onEnd(end.reason || `closed with code ${end.code}`);
  return {
    publish(event, data) {
      socket.send(JSON.stringify({ publish: { event, data }, ref: ++reference }));
    },
    close() {
      socket.close(1000);
    },
  };
}
