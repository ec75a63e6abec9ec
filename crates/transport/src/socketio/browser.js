// @ts-check
/**
 * The browser half of Socket.IO: the official client.
 *
 * @param {{namespace: string, room: string, after?: string}} feed
 * @param {{onItem: (text: string) => void, onEnd: (reason: string) => void}} on  `onItem` gets every item's JSON text.
 * @returns {{publish: (event: string, data: unknown) => void, close: () => void}}
 */
export function subscribe(feed, on) {
  const namespace = feed.namespace === "default" ? "/" : `/${feed.namespace}`;
  // A subscription that ends is over, like those of the other halves: whoever subscribes again knows the last position.
  const options = { auth: { room: feed.room, after: feed.after }, forceNew: true, reconnection: false };
  /** @type {{socket?: import("./vendor/socket.io.esm.min.js").Socket, closed: boolean, early: [string, unknown][]}} */
  const state = { closed: false, early: [] };
  /** @param {string} event @param {unknown} data */
  const publish = (event, data) => state.socket?.emit("publish", { room: feed.room, event, data });
  import("/socket.io/socket.io.esm.min.js").then(({ io }) => {
    if (state.closed) return;
    const socket = (state.socket = io(namespace, options));
    socket.io.on("open", () => {
      // The client parses what it hands over; an item's text is taken from the packet.
      socket.io.engine.on("packet", ({ type, data }) => {
        const item = type === "message" && itemText(data, feed.room);
        if (item) on.onItem(item);
      });
    });
    socket.on("connect_error", (error) => on.onEnd(error.message));
    socket.on("disconnect", (reason) => on.onEnd(reason));
    for (const [event, data] of state.early) publish(event, data);
  }, (error) => on.onEnd(String(error)));
  return {
    publish(event, data) {
      if (state.socket) publish(event, data);
      else state.early.push([event, data]);
    },
    close() {
      state.closed = true;
      state.socket?.disconnect();
    },
  };
}

/**
 * The JSON text of the first argument of an event, `2/namespace,["name",item,"room"]`, as it came over the wire.
 *
 * @param {string} packet
 * @param {string} room
 */
function itemText(packet, room) {
  const [head] = /^2(?:\/[^,]*,)?\["(?:[^"\\]|\\.)*",/.exec(packet) ?? [];
  const tail = `,${JSON.stringify(room)}]`;
  return head && packet.endsWith(tail) ? packet.slice(head.length, -tail.length) : undefined;
}
