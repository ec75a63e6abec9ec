// The decisions of web/feed.js, one by one, in Node: with browser halves of the test's own, time that passes when it is told to,
// and no server. `node --test` runs it.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

// Node 20 lacks it, browsers have it.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const web = new URL("../../../../web/", import.meta.url);
const { Refusal, backoff, connect } = await import(new URL("feed.js", web));

/** What every half's `open` was given, in order. */
let links = [];
globalThis.openLink = (id, where, on) => {
  const link = { id, where, on, publishes: [], isClosed: false, isPaused: false };
  links.push(link);
  return {
    publish: (draft) => new Promise((resolve, reject) => link.publishes.push({ draft, resolve, reject })),
    close: () => (link.isClosed = true),
    pause: () => (link.isPaused = true),
    resume: () => (link.isPaused = false),
  };
};
const module = (id) => `data:text/javascript,export const open = (where, on) => openLink("${id}", where, on);`;
const listed = [...["a", "b", "c"].map((id, n) => ({ id, module: module(id), preference: [2, 1, null][n] })), { id: "raw", module: null, preference: 3 }];
/** How the list of transports is to be had. */
let list = () => new Response(JSON.stringify(listed));
mock.method(globalThis, "fetch", async () => list());
const page = new EventTarget();
let listening;
globalThis.addEventListener = (kind, act, options) => {
  listening = options.signal;
  page.addEventListener(kind, act, options);
};
globalThis.location = { origin: "http://feed.example" };

let now, random;
mock.method(performance, "now", () => now);
mock.method(Math, "random", () => random);
beforeEach(() => {
  [links, now, random] = [[], 0, 1];
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

const turns = async (n = 5) => {
  while (n-- > 0) await new Promise(setImmediate);
};
async function pass(ms) {
  await turns();
  now += ms;
  mock.timers.tick(ms);
  await turns();
}

/** A feed and what it has told. */
function begin(options = {}) {
  const feed = connect({ namespace: "n", room: "r", transports: ["a", "b"], ...options });
  const told = [];
  for (const kind of ["publication", "state", "gap", "duplicate", "switch", "end", "waiting", "error"])
    feed.addEventListener(kind, ({ detail }) => told.push({ kind, ...detail }));
  const of = (kind) => told.filter((one) => one.kind === kind);
  return { feed, told, of, offsets: () => of("publication").map(({ publication }) => publication.offset) };
}
/** The newest link, once there are so many. */
async function link(count) {
  for (let n = 0; n < 50 && links.length < count; n++) await turns(1);
  assert.equal(links.length, count, `links: ${links.map(({ id }) => id)}`);
  return links[count - 1];
}
const say = ({ on }, item) => on.item(JSON.stringify(item), now);
const hello = (link, position = "e.0") => say(link, { hello: { position, session: "s" } });
const item = (link, offset) => say(link, { offset, event: "message", from: null, at_us: 0, data: offset });
/** A feed that is open over `a`, or over the first of its transports. */
async function opened(options) {
  const made = begin(options);
  const first = await link(1);
  hello(first);
  await turns();
  assert.equal(made.feed.state, "open");
  return { ...made, first };
}
const failure = async (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);

// The first, because what is there is asked for once.
test("the list of transports is asked for again when it could not be had, and once when it could", async () => {
  const good = list;
  const lists = [() => Promise.reject(new TypeError("refused")), () => new Response("", { status: 502 }), good];
  list = () => lists.shift()();
  const { feed, of } = begin({ transports: ["a"] });
  for (const wait of [250, 500]) {
    await turns();
    assert.equal(of("state").at(-1).retryIn, wait);
    await pass(wait);
  }
  hello(await link(1));
  const using = feed.use("b");
  hello(await link(2));
  await using;
  assert.deepEqual(lists, []);
  feed.close();
});

test("back-off is uniform up to a bound that doubles to the cap", () => {
  assert.deepEqual([0, 1, 2, 6, 7, 2000].map((failures) => backoff(failures, 250, 30_000, 1)), [250, 500, 1000, 16_000, 30_000, 30_000]);
  assert.deepEqual([0, 0.5].map((random) => backoff(2, 250, 30_000, random)), [0, 500]);
});

test("it waits longer with every failure, adds what it is told, and forgets when a link has held", async () => {
  const { feed, of, first } = await opened({ transports: ["a"], backoffCap: 1000 });
  const waits = () => of("state").filter(({ state }) => state === "waiting").map(({ retryIn }) => retryIn);
  first.on.end(new Error("cut"));
  for (let n = 2; n < 6; n++) {
    await pass(waits().at(-1));
    (await link(n)).on.end(new Error("refused"));
    await turns();
  }
  assert.deepEqual(waits(), [250, 500, 1000, 1000, 1000]);
  await pass(1000);
  hello(await link(6));
  await pass(900);
  links[5].on.end(new Error("cut"));
  await pass(1000);
  hello(await link(7));
  await pass(1001);
  random = 0.5;
  links[6].on.end(new Refusal(503, "later", 700));
  assert.deepEqual(waits().slice(5), [1000, 700 + 125], "900 ms are no proof, 1001 are");
  feed.close();
});

test("it comes back at once when the browser is online again", async () => {
  const { feed, first } = await opened({ transports: ["a"] });
  first.on.end(new Error("cut"));
  page.dispatchEvent(new Event("online"));
  const second = await link(2);
  assert.equal(second.where.after, "e.0");
  hello(second);
  page.dispatchEvent(new Event("online"));
  await turns();
  await link(2);
  feed.close();
});

test("who names no transports takes the server's, best first, and none that a browser cannot speak", async () => {
  const { feed } = begin({ transports: undefined });
  for (const count of [1, 2]) (await link(count)).on.end(new Error("1006"));
  await turns(20);
  assert.deepEqual([links.map(({ id }) => id), feed.state], [["b", "a"], "waiting"]);
  feed.close();

  links = [];
  const other = begin({ transports: undefined });
  const using = other.feed.use("c");
  hello(await link(1));
  await using;
  links[0].on.end(new Error("cut"));
  await pass(250);
  for (const count of [2, 3, 4]) (await link(count)).on.end(new Error("1006"));
  assert.deepEqual(links.map(({ id }) => id), ["c", "c", "b", "a"]);
  other.feed.close();
});

test("refusals are final, networks are not, and a transport that is none leaves it to the others", async () => {
  const cases = [
    [new Refusal(400, "no such room"), new Error("1006"), "closed"],
    [new Error("1006"), new Refusal(403, "a session is needed"), "closed"],
    [new Error("1006"), new Refusal(429, "too many", 5000), "waiting"],
    [new Error("1006"), new Error("refused"), "waiting"],
    [new Error("1006"), "raw", "waiting"],
    ["raw", "raw", "closed"],
  ];
  for (const [one, other, state] of cases) {
    links = [];
    const transports = [one === "raw" ? "raw" : "a", other === "raw" ? "raw" : "b"];
    const { feed, told } = begin({ transports });
    let count = 0;
    for (const error of [one, other]) if (error !== "raw") (await link(++count)).on.end(error);
    await turns(20);
    assert.equal(feed.state, state, `${one}, ${other}`);
    if (state === "closed") assert.equal(told.at(-1).reason, (one.isFinal ? one : other).message ?? told.at(-1).reason);
    else feed.close();
  }
});

test("what two links deliver is told once, and the old one is closed when the new one is ready", async () => {
  const { feed, of, offsets, first } = await opened();
  item(first, 1);
  const using = feed.use("b");
  const second = await link(2);
  assert.equal(second.where.after, "e.1");
  item(first, 2);
  item(first, 3);
  item(second, 9);
  assert.equal(first.isClosed, false);
  hello(second, "e.1");
  assert.equal(first.isClosed, true);
  item(first, 4);
  for (const offset of [2, 3, 4, 5]) item(second, offset);
  await using;
  assert.deepEqual(offsets(), [1, 2, 3, 4, 5]);
  assert.deepEqual(of("duplicate").map(({ offset }) => offset), [2, 3]);
  assert.deepEqual(of("switch"), [{ kind: "switch", from: "a", to: "b", why: "asked" }]);
  feed.close();
});

test("of two that are asked for the later one counts, whichever comes up first", async () => {
  for (const earlierFirst of [true, false]) {
    links = [];
    const { feed, of } = await opened({ transports: ["a", "b", "c"] });
    const b = failure(feed.use("b"));
    await link(2);
    const c = feed.use("c");
    await link(3);
    for (const one of earlierFirst ? [links[1], links[2]] : [links[2], links[1]]) hello(one);
    assert.match((await b).message, /given up/);
    await c;
    assert.deepEqual([feed.transport, of("switch").length], ["c", 1]);
    assert.deepEqual(links.map(({ isClosed }) => isClosed), [true, true, false]);
    feed.close();
  }
});

test("a switch under way takes the place of a link that breaks, and one that fails goes the usual way", async () => {
  for (const comesUp of [true, false]) {
    links = [];
    const { feed, of, first } = await opened();
    const using = feed.use("b").catch((error) => error);
    const second = await link(2);
    first.on.end(new Error("cut"));
    assert.equal(feed.state, "connecting");
    if (comesUp) hello(second);
    else second.on.end(new Error("no"));
    const failed = await using;
    assert.equal(failed?.message, comesUp ? undefined : "no");
    assert.equal(feed.state, comesUp ? "open" : "waiting");
    assert.equal(of("switch").length, comesUp ? 1 : 0);
    feed.close();
  }
});

test("it is switched while it waits to connect, and while it connects", async () => {
  for (const waits of [true, false]) {
    links = [];
    const { feed } = waits ? await opened() : begin();
    const first = await link(1);
    if (waits) first.on.end(new Error("cut"));
    const using = feed.use("b");
    assert.equal(feed.state, "connecting");
    hello(await link(2));
    await using;
    hello(first);
    await pass(60_000);
    await link(2);
    assert.deepEqual([feed.state, feed.transport, first.isClosed], ["open", "b", true]);
    feed.close();
  }
});

test("who is closed while it opens closes what it opens, and tells nothing more", async () => {
  const { feed, told } = begin();
  const first = await link(1);
  const using = failure(feed.use("b"));
  feed.close();
  const count = told.length;
  hello(first);
  assert.match((await using).message, /given up/);
  await pass(60_000);
  assert.equal(told.length, count);
  assert.ok(links.every(({ isClosed }) => isClosed));
  assert.ok(listening.aborted);
  assert.match((await failure(feed.publish("message", 1))).message, /closed/);
  assert.match((await failure(feed.use("b"))).message, /closed/);
});

test("it tries better transports after a fallback, but none after one that was asked for", async () => {
  const { feed, of } = begin({ upgradeAfter: 1000 });
  (await link(1)).on.end(new Error("blocked"));
  hello(await link(2));
  await turns();
  assert.equal(feed.transport, "b");
  await pass(1000);
  (await link(3)).on.end(new Error("blocked"));
  await turns();
  await pass(999);
  await link(3);
  await pass(1);
  assert.equal((await link(4)).id, "a");
  // Another wish meanwhile.
  const using = feed.use("b");
  const b = await link(5);
  assert.equal(links[3].isClosed, true);
  hello(b);
  await using;
  await pass(60_000);
  await link(5);
  assert.deepEqual(of("switch").map(({ why }) => why), ["fallback"]);
  feed.close();

  const other = begin({ upgradeAfter: 1000 });
  (await link(6)).on.end(new Error("blocked"));
  hello(await link(7));
  other.feed.close();
  await pass(1000);
  await link(7);
});

test("a gap is told once, cut down to what no link brought, and leads to another epoch", async () => {
  const { feed, of, offsets, first } = await opened();
  for (const offset of [1, 2, 3]) item(first, offset);
  const gap = (link, detail) => say(link, { gap: { reason: "trimmed", ...detail } });
  gap(first, { from: 4, to: 6, missed: 3, position: "e.6" });
  const using = feed.use("b");
  const second = await link(2);
  for (const offset of [7, 8]) item(first, offset);
  hello(second, "e.6");
  await using;
  gap(second, { from: 7, to: 8, missed: 2, position: "e.8" });
  gap(second, { from: 7, to: 20, missed: 14, position: "e.20" });
  gap(second, { reason: "epoch", from: null, to: null, missed: null, position: "f.3" });
  item(first, 21);
  item(second, 4);
  const told = of("gap").map(({ reason, from, to, missed }) => [reason, from, to, missed]);
  assert.deepEqual(told, [["trimmed", 4, 6, 3], ["trimmed", 9, 20, 12], ["epoch", null, null, null]]);
  assert.deepEqual([offsets(), feed.position], [[1, 2, 3, 7, 8, 4], "f.4"]);
  feed.close();
});

test("it moves on over what is for others, within an epoch and never back", async () => {
  const { feed, first } = await opened();
  first.on.position("e.7");
  first.on.position("e.5");
  first.on.position("f.9");
  assert.equal(feed.position, "e.7");
  feed.pause();
  item(first, 8);
  first.on.position("e.9");
  assert.equal(feed.position, "e.7", "what is held was not told");
  feed.resume();
  assert.equal(feed.position, "e.8");
  feed.reconnect();
  assert.equal((await link(2)).where.after, "e.9");
  feed.close();
});

test("publishes go one by one, under the same key until they are answered, over whatever link there is", async () => {
  const { feed, of, first } = await opened();
  const [one, two] = [feed.publish("message", 1), feed.publish("message", 2)];
  await turns();
  assert.equal(first.publishes.length, 1);
  const using = feed.use("b");
  const second = await link(2);
  hello(second);
  await using;
  assert.equal(second.publishes.length, 1);
  assert.deepEqual(second.publishes[0].draft, first.publishes[0].draft);
  // The old link's answer is as good.
  first.publishes[0].resolve("e.1");
  assert.equal(await one, "e.1");
  second.publishes[0].resolve("e.1");
  await turns();
  second.publishes[1].reject(new Error("cut"));
  await pass(1000);
  assert.deepEqual(second.publishes[2].draft, second.publishes[1].draft);
  assert.notEqual(second.publishes[2].draft.key, first.publishes[0].draft.key);
  second.publishes[2].resolve("e.2");
  assert.equal(await two, "e.2");
  assert.deepEqual([first.publishes.length, second.publishes.length], [1, 3]);
  assert.deepEqual(of("waiting").map(({ publishes }) => publishes), [1, 2, 1, 0]);

  const three = feed.publish("message", 3);
  const back = feed.use("a");
  const third = await link(3);
  hello(third);
  await back;
  third.publishes[0].resolve("e.3");
  assert.equal(await three, "e.3");
  await pass(20_000);
  await link(3);
  assert.equal(feed.state, "open", "the old link's answer is not waited for");
  feed.close();
});

test("too fast waits as long as it is told, and a refusal does not hold up the next", async () => {
  const { feed, first } = await opened();
  const [one, two] = [failure(feed.publish("message", 1)), feed.publish("message", 2)];
  first.publishes[0].reject(new Refusal(429, "too fast", 3000));
  await pass(2999);
  assert.equal(first.publishes.length, 1);
  await pass(1);
  first.publishes[1].reject(new Refusal(413, "too large"));
  const { status, detail } = await one;
  assert.deepEqual([status, detail], [413, "too large"]);
  first.publishes[2].resolve("e.1");
  assert.equal(await two, "e.1");
  feed.close();
});

test("a publish is as it was when it was said, and what is no JSON fails alone", async () => {
  const { feed, first } = await opened();
  const data = { text: "then" };
  feed.publish("message", data).catch(() => {});
  data.text = "now";
  const bad = await failure(feed.publish("message", 1n));
  assert.match(bad.message, /BigInt/);
  assert.deepEqual(first.publishes[0].draft.data, { text: "then" });
  assert.equal(feed.waiting, 1);
  feed.close();
});

test("a link on which a publish is not answered is let go of, and the publish is not", async () => {
  const { feed, told, first } = await opened();
  const said = feed.publish("message", 1);
  await pass(20_000);
  assert.equal(first.isClosed, true);
  assert.match(told.at(-1).reason, /not answered/);
  await pass(250);
  const second = await link(2);
  hello(second);
  second.publishes[0].resolve("e.1");
  assert.equal(await said, "e.1");
  feed.close();
});

test("a browser's own retry is told as its own, and taken over when it does not come back", async () => {
  const { feed, told, first } = await opened({ transports: ["a"] });
  const away = () => first.on.away({ reason: "broke off", retryIn: 3000, by: "EventSource" });
  away();
  assert.deepEqual(told.at(-1), { kind: "state", state: "waiting", transport: "a", position: "e.0", reason: "broke off", retryIn: 3000, by: "EventSource" });
  await pass(3000);
  away();
  hello(first);
  assert.equal(feed.state, "open");
  await pass(20_000);
  assert.equal(first.isClosed, false, "it came back");
  away();
  await pass(4000);
  away();
  assert.equal(first.isClosed, false);
  await pass(4000);
  assert.equal(first.isClosed, true);
  assert.equal(told.at(-1).by, "feed");
  await pass(250);
  (await link(2)).on.away({ reason: "refused", retryIn: 3000, by: "EventSource" });
  await turns();
  assert.equal(links[1].isClosed, true, "one that never came up is not waited for");
  feed.close();
});

test("an announced end comes back when it may, and for good when it may not", async () => {
  const { feed, of, first } = await opened({ transports: ["a", "b"] });
  const close = { code: 3001, reason: "drain", reconnect: true, retry_after_ms: 2000 };
  say(first, { close });
  first.on.end(new Error("the stream ended"));
  assert.deepEqual([feed.state, of("state").at(-1).retryIn, of("state").at(-1).reason], ["waiting", 2250, "drain"]);
  await pass(2250);
  // As polls are told, and no other transport is asked after it.
  (await link(2)).on.end(new Refusal(503, "drain", 1000, 3001));
  await turns();
  await link(2);
  assert.deepEqual(of("end")[1], { kind: "end", code: 3001, reason: "drain", reconnect: true, retry_after_ms: 1000 });
  await pass(1500);
  const third = await link(3);
  hello(third);
  say(third, { close: { code: 3501, reason: "the session has ended", reconnect: false, retry_after_ms: 0 } });
  assert.deepEqual([feed.state, of("state").at(-1).reason, third.isClosed], ["closed", "the session has ended", true]);
  await pass(60_000);
  await link(3);
});

test("an end that was announced is not the reason of a later one", async () => {
  const { feed, of, first } = await opened({ transports: ["a"] });
  say(first, { close: { code: 3001, reason: "drain", reconnect: true, retry_after_ms: 2000 } });
  first.on.away({ reason: "broke off", retryIn: 2000, by: "EventSource" });
  hello(first);
  assert.equal(feed.state, "open");
  first.on.end(new Error("refused"));
  assert.deepEqual([of("state").at(-1).reason, of("state").at(-1).retryIn], ["refused", 250]);
  feed.close();
});

test("a transport that is refused while it waits to connect leaves it to the others", async () => {
  const { feed, first } = await opened({ transports: ["a"] });
  first.on.end(new Error("1006"));
  assert.equal(feed.state, "waiting");
  assert.match((await failure(feed.use("raw"))).message, /cannot speak "raw"/);
  assert.equal(feed.state, "waiting");
  await pass(500);
  hello(await link(2));
  assert.equal(feed.state, "open");
  feed.close();
});

test("what is held is bounded in bytes, too", async () => {
  const { feed, first } = await opened({ transports: ["a"] });
  feed.pause();
  for (let offset = 1; offset <= 300; offset++) say(first, { offset, event: "message", from: null, at_us: 0, data: "x".repeat(64 * 1024) });
  assert.equal(feed.state, "waiting");
  assert.ok(feed.held.bytes >= 16 * 1024 * 1024 && feed.held.bytes < 16.2 * 1024 * 1024, `${feed.held.bytes}`);
  feed.resume();
  assert.deepEqual(feed.held, { items: 0, bytes: 0 });
  feed.close();
});

test("what is held is bounded: beyond it the connection is let go of, and comes back with resume", async () => {
  const { feed, offsets, first } = await opened({ transports: ["a"] });
  feed.pause();
  assert.equal(first.isPaused, true);
  for (let offset = 1; offset <= 10_001; offset++) item(first, offset);
  assert.deepEqual([feed.held.items, first.isClosed, feed.state, feed.position], [10_000, true, "waiting", "e.0"]);
  page.dispatchEvent(new Event("online"));
  await pass(60_000);
  await link(1);
  feed.resume();
  assert.equal(offsets().length, 10_000);
  const second = await link(2);
  assert.equal(second.where.after, "e.10000");
  feed.pause();
  hello(second);
  assert.equal(second.isPaused, true);
  feed.close();
});

test("who pauses again while it is told what was held is told no more", async () => {
  const { feed, offsets, first } = await opened();
  feed.pause();
  for (const offset of [1, 2, 3]) item(first, offset);
  feed.addEventListener("publication", () => feed.pause(), { once: true });
  feed.resume();
  assert.deepEqual([offsets(), feed.held.items, first.isPaused], [[1], 2, true]);
  feed.resume();
  assert.deepEqual([offsets(), first.isPaused], [[1, 2, 3], false]);
  feed.close();
});
