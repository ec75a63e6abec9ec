// Many official Socket.IO clients read one room. Says how many hellos, publications and gaps every one of them has by now.
// Arguments: the namespace's URL, the room, how many clients.

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { given, released, say } from "./common.mjs";
import { readRooms } from "./socketio-rooms.mjs";

const [url, room, count] = given;
const said = {};
const clients = Array.from({ length: Number(count) }, (_, n) => {
  const client = { hello: 0, gap: 0, close: 0, items: [] };
  function take({ item, control }) {
    if (item) client.items.push(item);
    const [kind] = control ? Object.keys(JSON.parse(control)) : [];
    if (kind in client) client[kind] += 1;
    for (const [kind, least] of [["hellos", (c) => c.hello], ["items", (c) => c.items.length], ["gaps", (c) => c.gap]]) {
      const now = Math.min(...clients.map(least));
      if (now > (said[kind] ?? 0)) say({ lane: "crowd", control: JSON.stringify({ [kind]: (said[kind] = now) }) });
    }
  }
  const carrier = ["polling", "websocket"][n % 2];
  // Between two polls there is nobody to tell of the end.
  client.leastCloses = n % 2;
  client.socket = readRooms(io, take, { carrier, url, rooms: [room], after: "earliest" });
  return client;
});
await released();
for (const { socket, items, hello, gap, close, leastCloses } of clients) {
  socket.disconnect();
  assert.deepEqual(items, clients[0].items);
  assert.deepEqual({ hello, gap }, { hello: 2, gap: 1 });
  assert.ok(leastCloses <= close && close <= 1);
}
for (const item of clients[0].items) say({ lane: "crowd", item });
