// @ts-check
import { Refusal } from "/feed-half.js";

/**
 * The browser half of Socket.IO: the official client.
 *
 * @param {import("/feed-half.js").Where & {transports?: string[]}} where  `transports`: those of Engine.IO, its own order by default
 * @param {import("/feed-half.js").On} on
 * @returns {import("/feed-half.js").Link}
 */
export function open({ origin, namespace, room, after, transports }, on) {
  const url = origin + (namespace === "default" ? "/" : `/${namespace}`);
  // A subscription that ends is over, like those of the other halves: whoever subscribes again knows the last position.
  const options = { auth: { room, after }, forceNew: true, reconnection: false, withCredentials: true, ...(transports && { transports }) };
  /** @type {{socket?: import("/socket.io/socket.io.esm.min.js").Socket, isClosed: boolean}} */
  const state = { isClosed: false };
  import("/socket.io/socket.io.esm.min.js").then(({ io }) => {
    if (state.isClosed) return;
    const socket = (state.socket = io(url, options));
    socket.io.on("open", () => {
      // The client parses what it hands over; an item's text is taken from the packet.
      socket.io.engine.on("packet", ({ type, data }) => {
        const at = performance.now();
        const item = type === "message" && !state.isClosed && itemText(data, room);
        if (item) on.item(item, at);
      });
    });
    socket.on("connect_error", (/** @type {Error & {data?: {status: number, detail: string}}} */ { message, data }) =>
      on.end(data ? new Refusal(data.status, data.detail) : new Error(message)));
    socket.on("disconnect", (/** @type {string} */ reason) => on.end(new Error(reason)));
  }, on.end);
  return {
    async publish(draft) {
      if (!state.socket?.connected) throw new Error("not connected");
      const { position, error } = await state.socket.emitWithAck("publish", { room, ...draft });
      if (error) throw new Refusal(error.status, error.detail);
      return position;
    },
    close() {
      state.isClosed = true;
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
