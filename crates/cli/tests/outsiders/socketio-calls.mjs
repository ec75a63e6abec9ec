// The official Socket.IO client calls the server and is answered: joins, leaves, publishes, is refused, goes offline.
// Arguments: the origin, the carrier, which names the rooms too.

import assert from "node:assert/strict";
import { Manager } from "socket.io-client";
import { given } from "./common.mjs";

const [origin, carrier] = given;
const transports = carrier === "upgrade" ? ["polling", "websocket"] : [carrier];
const manager = new Manager(origin, { transports, reconnectionDelay: 50, reconnectionDelayMax: 300 });
let connections = 0;
manager.on("open", () => connections++);

/** When it is connected, or the error. */
const connected = (socket) =>
  new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("connect_error", resolve);
  });

/** A socket of a namespace; `next` gives event, item and room of what comes. */
function open(namespace, auth) {
  const socket = manager.socket(namespace, { auth });
  const [come, awaited] = [[], []];
  socket.onAny((...event) => (awaited.length ? awaited.shift()(event) : come.push(event)));
  const next = () => (come.length ? come.shift() : new Promise((resolve) => awaited.push(resolve)));
  const call = (...event) => socket.timeout(20_000).emitWithAck(...event);
  return { socket, next, call, come, opened: connected(socket) };
}

async function hello({ next }, room) {
  const [event, item, where] = await next();
  assert.deepEqual([event, Object.keys(item), where], ["hello", ["hello"], room]);
  return item.hello.position;
}

async function published({ next }, room, data) {
  const [event, item, where] = await next();
  assert.deepEqual([event, item.event, item.data, where], ["message", "message", data, room]);
  return item;
}

const publication = (room, data, event = "message") => ({ room, event, data });

async function refused(answer, status) {
  const { error, ...rest } = await answer;
  assert.deepEqual([error?.status, typeof error?.detail, rest], [status, "string", {}]);
}

// Answered.
const room = carrier;
let last = "earliest";
const main = open("/calls", (give) => give({ room, after: last }));
assert.equal(await main.opened, undefined);
const [epoch] = (await hello(main, room)).split(".");
assert.deepEqual(await main.call("publish", publication(room, { n: 1 })), { position: `${epoch}.1` });
const items = [await published(main, room, { n: 1 })];

// Refused, and nothing of it published.
await refused(main.call("publish", publication(room, 1, "hello")), 400);
await refused(main.call("publish", publication(room, 1, "disconnecting")), 400);
await refused(main.call("publish", publication(room, "x".repeat(64 * 1024))), 413);
await refused(main.call("publish", publication("no room", 1)), 400);
await refused(main.call("publish", publication(room, Buffer.from([1, 2, 3]))), 400);
await refused(main.call("publish"), 400);
await refused(main.call("shout", { room }), 400);
await refused(main.call("join", { room }), 409);
await refused(main.call("join", { room: "no room" }), 400);
await refused(main.call("join", { room: "other", after: "nonsense" }), 400);
main.socket.emit("shout", "without an ack, nobody is told");

// In order, without waiting for answers.
const fifty = Array.from({ length: 50 }, (_, n) => n);
const acks = await Promise.all(fifty.map((n) => main.call("publish", publication(room, n))));
assert.deepEqual(acks, fifty.map((n) => ({ position: `${epoch}.${n + 2}` })));
for (const n of fifty) items.push(await published(main, room, n));

// Several rooms on one socket.
const [left, right] = [`${room}-left`, `${room}-right`];
const [joined, first] = await Promise.all([
  main.call("join", { room: left }),
  main.call("publish", publication(left, "at once")),
]);
assert.equal(joined.position, await hello(main, left));
assert.equal(first.position, joined.position.replace(/0$/, "1"));
await published(main, left, "at once");
await main.call("join", { room: right });
await hello(main, right);
await main.call("publish", publication(right, 1));
await published(main, right, 1);
assert.deepEqual(await main.call("leave", { room: left }), {});
await main.call("publish", publication(left, "to nobody"));
await main.call("publish", publication(right, 2));
await published(main, right, 2);
const again = await main.call("join", { room: left, after: first.position });
assert.equal(await hello(main, left), again.position);
await published(main, left, "to nobody");

// Several namespaces on one connection, and those that were refused.
const [second, root] = [open("/second", { room }), open("/", { room })];
for (const other of [second, root]) {
  assert.equal(await other.opened, undefined);
  await hello(other, room);
}
await second.call("publish", publication(room, "second"));
await root.call("publish", publication(room, "root"));
await published(second, room, "second");
await published(root, room, "root");
assert.notEqual(second.socket.id, root.socket.id);
for (const [namespace, auth] of [
  ["/no name", {}],
  ["/a/b", {}],
  [`/${"x".repeat(65)}`, {}],
  ["/third", { room: "no room" }],
  ["/fourth", { room, after: "nonsense" }],
]) {
  const error = await open(namespace, auth).opened;
  assert.deepEqual([error?.data?.status, typeof error?.data?.detail], [400, "string"], namespace);
  assert.ok(error.message, namespace);
}
second.socket.disconnect();
await main.call("publish", publication(room, "still here"));
items.push(await published(main, room, "still here"));
assert.equal(connections, 1);
assert.deepEqual([main, second, root].map(({ come }) => come), [[], [], []]);

// Offline: what is volatile is dropped, the rest is sent once. The client takes a closed carrier for one that can be written
// to until it has begun the next.
last = `${epoch}.${items.length}`;
const offline = new Promise((resolve) => manager.once("reconnect_attempt", () => queueMicrotask(resolve)));
manager.engine.close();
await offline;
main.socket.volatile.emit("publish", publication(room, "volatile"));
main.socket.emit("publish", publication(room, "kept"));
assert.equal(await connected(main.socket), undefined);
await hello(main, room);
items.push(await published(main, room, "kept"));
await main.call("publish", publication(room, "the end"));
items.push(await published(main, room, "the end"));
assert.equal(manager.engine.transport.name, transports.at(-1));

const held = await (await fetch(`${origin}/v1/calls/${room}/short-polling?after=earliest`)).json();
assert.deepEqual(items, held.items);
for (const { socket } of [main, root]) socket.disconnect();
