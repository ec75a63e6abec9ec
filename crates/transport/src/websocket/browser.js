// @ts-check
import { Refusal } from "/feed-half.js";

/**
 * The browser half of WebSocket.
 *
 * @param {import("/feed-half.js").Where} where
 * @param {import("/feed-half.js").On} on
 * @returns {import("/feed-half.js").Link}
 */
export function open({ origin, namespace, room, after }, on) {
  const url = new URL(`${origin}/v1/${namespace}/${room}/websocket`);
  url.protocol = url.protocol.replace("http", "ws");
  if (after) url.searchParams.set("after", after);
  const socket = new WebSocket(url);
  let reference = 0;
  /** Publishes without an answer. @type {Map<number, PromiseWithResolvers<string>>} */
  const waiting = new Map();
  socket.onmessage = ({ data }) => {
    const at = performance.now();
    const { ack, error } = /^\{"(ack|error)":/.test(data) ? JSON.parse(data) : {};
    const { ref, position, status, detail } = ack ?? error ?? {};
    const publish = waiting.get(ref);
    if (!publish) return on.item(data, at);
    waiting.delete(ref);
    if (ack) publish.resolve(position);
    else publish.reject(new Refusal(status, detail));
  };
  socket.onclose = ({ code, reason }) => {
    const error = new Error(reason || `closed with code ${code}`);
    for (const publish of waiting.values()) publish.reject(error);
    on.end(error);
  };
  return {
    publish(draft) {
      const publish = Promise.withResolvers();
      waiting.set(++reference, publish);
      socket.send(JSON.stringify({ publish: draft, ref: reference }));
      return publish.promise;
    },
    close() {
      socket.close(1000);
    },
  };
}
