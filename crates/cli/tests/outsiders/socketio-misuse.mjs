// Engine.IO and Socket.IO by hand, to break their rules. Arguments: what to do, the origin, and the server's process id.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { on, once } from "node:events";
import WebSocket from "ws";
import { given, released, say } from "./common.mjs";

const [what, origin, pid] = given;
const path = `${origin}/socket.io/`;
const polling = (sid) => `${path}?EIO=4&transport=polling${sid ? `&sid=${sid}` : ""}`;
const get = (sid) => fetch(polling(sid));
const post = (sid, body) => fetch(polling(sid), { method: "POST", body });
const UNKNOWN_SID = { code: 1, message: "Session ID unknown" };

async function handshake() {
  const answer = await get();
  assert.equal(answer.status, 200);
  return JSON.parse((await answer.text()).slice(1));
}

/** Whether this session is no more. */
async function assertEnded(sid) {
  const answer = await get(sid);
  assert.deepEqual([answer.status, await answer.json()], [400, UNKNOWN_SID]);
}

/** A WebSocket behind its handshake; `next` gives the text of what comes and is no ping. */
async function open() {
  const socket = new WebSocket(`${path}?EIO=4&transport=websocket`);
  const messages = on(socket, "message");
  const next = async () => {
    const [data] = (await messages.next()).value;
    return String(data) === "2" ? next() : String(data);
  };
  const open = JSON.parse((await next()).slice(1));
  return { socket, next, open, closed: once(socket, "close") };
}

async function subscribers(namespace) {
  const { rooms } = await (await fetch(`${origin}/v1/${namespace}`)).json();
  return rooms.reduce((sum, { subscribers }) => sum + subscribers, 0);
}

/** Connected and in the room `lobby` of `outside`. */
async function subscribe({ socket, next }) {
  socket.send('40/outside,{"room":"lobby"}');
  assert.match(await next(), /^40\/outside,\{"sid":"[^"]+"\}$/);
  assert.match(await next(), /^42\/outside,\["hello",\{"hello":\{.*\}\},"lobby"\]$/);
}

async function breakRules() {
  const { sid, maxPayload } = await handshake();
  for (const [query, method, code, message] of [
    ["EIO=4&transport=polling&sid=nobody", "GET", 1, "Session ID unknown"],
    ["EIO=4&transport=polling&sid=nobody", "POST", 1, "Session ID unknown"],
    ["EIO=4&transport=websocket&sid=nobody", "GET", 1, "Session ID unknown"],
    ["EIO=4&transport=carrier-pigeon", "GET", 0, "Transport unknown"],
    ["EIO=4", "GET", 0, "Transport unknown"],
    ["", "GET", 0, "Transport unknown"],
    ["EIO=3&transport=polling", "GET", 5, "Unsupported protocol version"],
    ["EIO=four&transport=polling", "GET", 5, "Unsupported protocol version"],
    ["transport=polling", "GET", 5, "Unsupported protocol version"],
    ["EIO=4&transport=polling", "POST", 2, "Bad handshake method"],
    ["EIO=4&transport=polling", "PUT", 2, "Bad handshake method"],
  ]) {
    const answer = await fetch(`${path}?${query}`, { method });
    assert.deepEqual([answer.status, await answer.json()], [400, { code, message }], `${method} ${query}`);
  }
  assert.equal((await fetch(`${path}?EIO=4&transport=websocket`)).status, 426);
  const stray = new WebSocket(`${path}?EIO=4&transport=websocket&sid=nobody`);
  assert.match(String((await once(stray, "error"))[0]), /400/);

  const large = await post(sid, `4${"x".repeat(maxPayload)}`);
  assert.equal(large.status, 413);
  const wide = await open();
  wide.socket.send(`4${"x".repeat(wide.open.maxPayload)}`);
  assert.equal((await wide.closed)[0], 1009);

  const twice = (await handshake()).sid;
  const polls = [get(twice), new Promise((resolve) => setTimeout(resolve, 100)).then(() => get(twice))];
  const [held, second] = await Promise.all(polls);
  assert.deepEqual([held.status, await held.text(), second.status], [200, "1", 400]);
  await assertEnded(twice);

  const garbage = ["abc", "", "7", "9x", "4", "4abc", "47", "42{}", "42[]", '42["connect"]', '42["x"', "451-", '451-["x"]\x1e4x'];
  for (const text of garbage) {
    const { sid } = await handshake();
    await post(sid, text);
    await assertEnded(sid);
    if (text.includes("\x1e")) continue;
    const { socket, closed } = await open();
    socket.send(text);
    await closed;
  }
  const binary = await open();
  binary.socket.send(Buffer.from("of no packet"));
  await binary.closed;

  for (const untimely of ["40/outside,", '42/elsewhere,["shout"]', '44/outside,{"message":"no"}', "2", "0{}", "5", "6x"]) {
    const breaker = await open();
    await subscribe(breaker);
    breaker.socket.send(untimely);
    await breaker.closed;
  }

  const patient = await open();
  await subscribe(patient);
  for (const harmless of ["43/outside,77[]", '42/outside,["shout"]', "3", "3unasked"]) {
    patient.socket.send(harmless);
  }
  patient.socket.send('42/outside,5["publish",{"room":"lobby","event":"message","data":1}]');
  const [first, later] = [await patient.next(), await patient.next()];
  assert.match([first, later].find((text) => text.startsWith("43")), /^43\/outside,5\[\{"position":"[^"]+"\}\]$/);
  patient.socket.send("1");
  await patient.closed;
}

/** Thousands of namespaces that are refused: they leave nothing behind. */
async function flood() {
  const memory = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
  const flooding = await open();
  const { socket, next } = flooding;
  const refuse = async (count) => {
    for (let n = 0; n < count; n++) {
      socket.send([`40/no name ${n},`, `40/ghost,{"room":"no room ${n}"}`, `40/ghost${n},{"room":"x","after":"never"}`][n % 3]);
      assert.match(await next(), /^44\/.*"status":400/);
    }
  };
  await refuse(500);
  const before = memory();
  await refuse(5000);
  say({ lane: "flood", control: JSON.stringify({ grown_kib: memory() - before }) });
  for (const namespace of ["ghost", "ghost2", "ghost4997"]) {
    assert.deepEqual((await (await fetch(`${origin}/v1/${namespace}`)).json()).rooms, [], namespace);
  }
  await subscribe(flooding);
  socket.terminate();
}

/** Those who never answer a ping. */
async function beSilent() {
  const { sid } = await handshake();
  await post(sid, '40/outside,{"room":"lobby"}');
  const mute = await open();
  await subscribe(mute);
  let status;
  do ({ status } = await get(sid));
  while (status === 200);
  await assertEnded(sid);
  await mute.closed;
  while ((await subscribers("outside")) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** One that reads no more. */
async function stall() {
  const stalled = await open();
  await subscribe(stalled);
  stalled.socket.pause();
  say({ lane: "stall", control: "{}" });
  await released();
  stalled.socket.terminate();
}

await { breakRules, flood, beSilent, stall }[what]();
