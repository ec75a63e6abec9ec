// The npm package `ws` reads, publishes, resumes, answers pings, and breaks rules. Arguments: the URL of a room that holds
// publications, and how many.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import WebSocket from "ws";
import { given, say } from "./common.mjs";

const [url, held] = [given[0], Number(given[1])];

/** A connection behind its hello; `next` gives the text of what comes. */
async function open(after, options = {}) {
  const socket = new WebSocket(`${url}?after=${after}`, options);
  const messages = on(socket, "message");
  const next = async () => {
    const [data, isBinary] = (await messages.next()).value;
    assert.equal(isBinary, false);
    return data.toString();
  };
  const { hello } = JSON.parse(await next());
  return { socket, next, epoch: hello.position.split(".")[0], closed: once(socket, "close") };
}

const reader = await open("earliest");
for (let n = 0; n < held; n++) say({ lane: "read", item: await reader.next() });

// The acknowledgement and our own publication come in no promised order.
reader.socket.send('{"publish": {"event": "up", "data": {"n": 1E400, "text": "\\u0000\u2028"}}, "ref": 7}');
const both = [await reader.next(), await reader.next()];
const published = both.find((text) => "offset" in JSON.parse(text));
const { ack } = JSON.parse(both.find((text) => text !== published));
assert.deepEqual(ack, { ref: 7, position: `${reader.epoch}.${held + 1}` });
say({ lane: "read", item: published });

// Too large to publish, and small enough to be read: an answer, no end.
reader.socket.send(`{"publish": {"event": "up", "data": "${"x".repeat(64 * 1024)}"}, "ref": 8}`);
const { error } = JSON.parse(await reader.next());
assert.deepEqual([error.ref, error.status], [8, 413]);

reader.socket.ping("are you there");
assert.equal(String((await once(reader.socket, "pong"))[0]), "are you there");
reader.socket.close(1000);
assert.equal((await reader.closed)[0], 1000);

const half = Math.floor(held / 2);
const resumed = await open(`${reader.epoch}.${half}`);
for (let n = half; n <= held; n++) say({ lane: "resumed", item: await resumed.next() });

// The server asks again only who has answered: the third ping shows that two answers counted.
for (let n = 0; n < 3; n++) await once(resumed.socket, "ping");
assert.equal(resumed.socket.readyState, WebSocket.OPEN);
resumed.socket.terminate();
const silent = await open("earliest", { autoPong: false });
assert.equal((await silent.closed)[0], 1006);

for (const [code, data, options] of [
  [1003, Buffer.from("{}"), { binary: true }],
  [1009, "x".repeat(256 * 1024), {}],
  [1007, Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false }],
]) {
  const breaker = await open("earliest");
  breaker.socket.send(data, options);
  assert.equal((await breaker.closed)[0], code);
}
