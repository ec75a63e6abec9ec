// web/feed.js where things end: blocked transports, servers that go, sessions that end, histories that are gone. In a real
// Chromium; `node --test` runs it.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { assertWhole, done, held, network, open, post, serve, untilHeld, untilNobody } from "./feed-rig.mjs";

const LANES = ["websocket", "sse", "long-polling", "short-polling", "socketio"];
const lane = { "short-polling": { interval: 50 } };
const WEBSOCKET = /^GET [^ ]*\/websocket/;

/** A server behind a network, and a page; all go when the test is over. */
async function scene(t, flags = []) {
  const server = await serve(["--publish-limit", "0", ...flags]);
  const net = await network(server.port);
  const tab = await open(net.origin);
  t.after(async () => {
    await tab.close();
    net.close();
    await server.kill();
  });
  return { server, net, tab };
}

const count = (tab, name, wanted) => tab.until(name, ({ events, argument }) => events.filter(({ kind }) => kind === "publication").length >= argument, wanted);
const states = (log) => log.events.filter(({ kind }) => kind === "state");

after(done);

describe("ends", { concurrency: 4 }, () => {
  test("where WebSocket is blocked it falls back, and upgrades when it is not", async (t) => {
    const { server, net, tab } = await scene(t);
    net.refuse(WEBSOCKET);
    await tab.begin("a", { room: "a", upgradeAfter: 300 });
    await tab.isOpen("a");
    await post(server.origin, "a", 1);
    await count(tab, "a", 1);
    assert.equal((await tab.log("a")).transport, "sse");
    net.refuse(undefined);
    await tab.until("a", ({ feed }) => feed.transport === "websocket");
    await post(server.origin, "a", 2);
    await count(tab, "a", 2);
    const log = await tab.log("a");
    assertWhole(log.texts, await held(server.origin, "a"));
    const switches = log.events.filter(({ kind }) => kind === "switch").map(({ from, to, why }) => [from, to, why]);
    assert.deepEqual(switches, [["websocket", "sse", "fallback"], ["sse", "websocket", "upgrade"]]);
    // Streams alone are blocked next: what is left is asked by request.
    net.refuse(/^GET [^ ]*\/(websocket|sse)/);
    net.cut();
    await tab.until("a", ({ feed }) => feed.state === "open" && feed.transport === "long-polling");
    await post(server.origin, "a", 3);
    await count(tab, "a", 3);
    assertWhole((await tab.log("a")).texts, await held(server.origin, "a"));
    await tab.call("a", "close");
  });

  test("a transport that says nothing is given up in time", async (t) => {
    const { tab } = await scene(t);
    // An answer begins and does not go on: a proxy that holds streams back.
    await tab.page.route(/\/sse/, () => {});
    await tab.begin("a", { room: "a", transports: ["sse", "short-polling"], connectTimeout: 200 });
    await tab.until("a", ({ feed }) => feed.state === "open");
    const { events } = await tab.log("a");
    assert.deepEqual(events.find(({ kind }) => kind === "switch"), { kind: "switch", from: "sse", to: "short-polling", why: "fallback" });
    await tab.call("a", "close");
  });

  test("a browser half that could not be loaded is loaded when it can be", async (t) => {
    const { net, tab } = await scene(t);
    await tab.begin("a", { room: "a", transports: ["websocket"] });
    await tab.isOpen("a");
    net.down();
    const others = ["socketio", "long-polling"];
    for (const id of others) await tab.begin(id, { room: "a", transports: [id] });
    for (const id of others) await tab.until(id, ({ feed }) => feed.state === "waiting");
    net.up();
    for (const name of ["a", ...others]) {
      await tab.isOpen(name);
      await tab.call(name, "close");
    }
  });

  for (const id of LANES) {
    test(`what is said over ${id} while the server is away arrives once, in order, with its acks`, async (t) => {
      const { server, net, tab } = await scene(t);
      await tab.begin("a", { room: "a", transports: [id], lane, after: "earliest" });
      await tab.isOpen("a");
      await tab.say("a", "message", "first");
      await count(tab, "a", 1);
      // The publish comes in, and its answer does not come out.
      net.mute();
      await tab.say("a", "message", 0);
      await untilHeld(server.origin, "a", 2);
      net.down();
      await tab.until("a", ({ feed }) => feed.state === "waiting");
      for (let n = 1; n < 30; n++) await tab.say("a", "message", n);
      assert.equal((await tab.log("a")).waiting, 30);
      net.up();
      await tab.until("a", ({ acks }) => acks.every(Boolean));
      await count(tab, "a", 31);
      const { texts, acks } = await tab.log("a");
      const wanted = await held(server.origin, "a");
      assertWhole(texts, wanted);
      assert.deepEqual(wanted.map((text) => JSON.parse(text).data), ["first", ...Array(30).keys()]);
      assert.deepEqual(acks.map((position) => Number(position.split(".")[1])), Array.from({ length: 31 }, (_, n) => n + 1));
      await tab.call("a", "close");
    });
  }

  test("publishes beyond the buffer are refused at once, and a refusal by the server says why", async (t) => {
    const { net, tab } = await scene(t);
    await tab.begin("a", { room: "a", bufferLimit: 2 });
    await tab.isOpen("a");
    await tab.say("a", "hello", "a reserved name");
    await tab.until("a", ({ acks }) => acks[0]);
    net.down();
    await tab.until("a", ({ feed }) => feed.state === "waiting");
    for (const n of [1, 2, 3]) await tab.say("a", "message", n);
    await tab.until("a", ({ acks }) => acks[3]);
    const { acks } = await tab.log("a");
    assert.equal(acks[0].status, 400);
    assert.match(acks[3].message, /^2 publishes wait/);
    assert.deepEqual(acks.slice(1, 3), [undefined, undefined]);
    await tab.call("a", "close");
    await tab.until("a", ({ acks }) => acks.every(Boolean));
    assert.match((await tab.log("a")).acks[1].message, /closed/);
  });

  test("too fast is tried again when it may be, and nothing is overtaken", async (t) => {
    const server = await serve(["--publish-limit", "20", "--publish-burst", "5"]);
    const tab = await open(server.origin);
    t.after(async () => (await tab.close(), server.kill()));
    await tab.page.evaluate(() => fetch("/session", { method: "POST", body: '{"name":"ana"}' }));
    for (const id of ["websocket", "long-polling", "socketio"]) {
      await tab.begin(id, { room: id, transports: [id] });
      await tab.isOpen(id);
      for (let n = 0; n < 12; n++) await tab.say(id, "message", n);
    }
    for (const id of ["websocket", "long-polling", "socketio"]) {
      await tab.until(id, ({ acks }) => acks.every(Boolean));
      const said = (await held(server.origin, id)).map((text) => JSON.parse(text)).filter(({ event }) => event === "message");
      assert.deepEqual(said.map(({ data }) => data), [...Array(12).keys()], id);
      await tab.call(id, "close");
    }
  });

  test("a server that drains says so, and is come back to", async (t) => {
    const server = await serve();
    const net = await network(server.port);
    const tab = await open(net.origin);
    const rooms = LANES.map((id) => `drain-${id}`);
    for (const [n, id] of LANES.entries()) await tab.begin(rooms[n], { room: rooms[n], transports: [id], lane });
    for (const room of rooms) await tab.isOpen(room);
    await server.drain();
    for (const room of rooms) await tab.until(room, ({ feed, events }) => feed.state === "waiting" && events.some(({ kind }) => kind === "end"));
    const next = await serve();
    t.after(async () => (await tab.close(), net.close(), next.kill()));
    net.up(next.port);
    for (const [n, room] of rooms.entries()) {
      await tab.isOpen(room);
      const { events } = await tab.log(room);
      // Whoever asks again by a connection that it still has is told again.
      const end = events.find(({ kind }) => kind === "end");
      assert.deepEqual([end.code, end.reconnect], [3001, true], room);
      assert.ok(events.find(({ state }) => state === "waiting").retryIn >= end.retry_after_ms, room);
      // Another server, another history: told once, and followed.
      const gaps = events.filter(({ kind }) => kind === "gap");
      assert.deepEqual(gaps.map(({ reason, missed }) => [reason, missed]), [["epoch", null]], room);
      await post(next.origin, room, n);
      await count(tab, room, 1);
      assert.equal((await tab.log(room)).position, gaps[0].position.replace(/\d+$/, "1"));
      await tab.call(room, "close");
    }
  });

  test("whose session has ended stays away", async (t) => {
    const { tab } = await scene(t);
    await tab.page.evaluate(() => fetch("/session", { method: "POST", body: '{"name":"ana"}' }));
    for (const id of LANES) await tab.begin(id, { room: "a", transports: [id], lane: { "short-polling": { interval: 600_000 } } });
    for (const id of LANES) await tab.isOpen(id);
    await tab.page.evaluate(() => fetch("/session", { method: "DELETE" }));
    for (const id of LANES.filter((id) => id !== "short-polling")) {
      await tab.until(id, ({ feed }) => feed.state === "closed");
      const { events } = await tab.log(id);
      assert.deepEqual(events.filter(({ kind }) => kind === "end").map(({ code, reconnect }) => [code, reconnect]), [[3501, false]], id);
      assert.ok(events.at(-1).reason, id);
    }
    // Between two requests it has no connection that could be ended, and goes on as nobody.
    await tab.call("short-polling", "configure", "short-polling", { interval: 20 });
    await tab.isOpen("short-polling");
    await tab.call("short-polling", "close");
  });

  test("what the ring no longer holds is told with their numbers", async (t) => {
    const { server, tab } = await scene(t, ["--ring-items", "10"]);
    for (const id of LANES) {
      await tab.begin(id, { room: id, transports: [id], lane, after: "earliest" });
      await tab.isOpen(id);
      await post(server.origin, id, "seen");
      await count(tab, id, 1);
      const { position } = await tab.log(id);
      await tab.call(id, "close");
      for (let n = 0; n < 30; n++) await post(server.origin, id, n);
      await tab.begin(`${id}-late`, { room: id, transports: [id], lane, after: position });
      await count(tab, `${id}-late`, 10);
      const { events, texts } = await tab.log(`${id}-late`);
      const [gap, ...more] = events.filter(({ kind }) => kind === "gap");
      assert.deepEqual([gap.from, gap.to, gap.missed, gap.reason, gap.transport], [2, 21, 20, "trimmed", id]);
      assert.deepEqual(more, []);
      assertWhole(texts, await held(server.origin, id), id);
      await tab.call(`${id}-late`, "close");
    }
  });

  test("EventSource's own retry is named", async (t) => {
    const { server, net, tab } = await scene(t);
    await tab.begin("a", { room: "a", transports: ["sse"] });
    await tab.isOpen("a");
    net.cut();
    await tab.until("a", ({ events, feed }) => feed.state === "open" && events.some(({ state }) => state === "waiting"));
    const [waited] = states(await tab.log("a")).filter(({ state }) => state === "waiting");
    assert.deepEqual([waited.by, waited.retryIn], ["EventSource", 3000]);
    await post(server.origin, "a", 1);
    await count(tab, "a", 1);
    await tab.call("a", "close");
  });

  test("a feed in a worker does without a document, over another port, with the session", async (t) => {
    const server = await serve(["--listen", "127.0.0.1:0"]);
    const [tab, other] = [await open(server.origin), server.addresses[1]];
    t.after(async () => (await tab.close(), server.kill()));
    const work = async ([home, other, lanes, session]) => {
      const { connect } = await import(`${home}/feed.js`);
      const one = async (id) => {
        const feed = connect({ namespace: "test", room: id, origin: other, transports: [id] });
        const when = (kind, holds) => new Promise((resolve) => feed.addEventListener(kind, ({ detail }) => holds(detail) && resolve(detail)));
        const came = when("publication", ({ publication }) => publication.event === "message");
        await when("state", ({ state }) => state === "open");
        // For the session alone: both ways need the cookie.
        await feed.publish("message", id, { to: session });
        const { publication } = await came;
        feed.close();
        return [id, publication.from, feed.state];
      };
      return Promise.all(lanes.map(one));
    };
    const got = await tab.page.evaluate(async ([work, given]) => {
      const { session } = await (await fetch("/session", { method: "POST", body: '{"name":"ana"}' })).json();
      const script = `(${work})(${JSON.stringify([...given, session])}).then(postMessage, (error) => postMessage(error.message))`;
      const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
      return new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
    }, [String(work), [server.origin, other, LANES]]);
    assert.deepEqual(got, LANES.map((id) => [id, "ana", "closed"]));
  });

  test("the example shows what is said, and where it stands", async (t) => {
    const { net, tab } = await scene(t);
    await tab.page.goto(`${net.origin}/example.html`);
    await tab.page.getByText("open, ").waitFor();
    await tab.page.getByLabel("Say").fill("hi <b>");
    await tab.page.getByRole("button").click();
    await tab.page.getByRole("listitem").getByText("somebody: hi <b>", { exact: true }).waitFor();
    net.down();
    await tab.page.getByText("waiting, ").waitFor();
  });

  test("close leaves no connection, no timer and no listener", async (t) => {
    const { server, tab } = await scene(t);
    await tab.page.evaluate(() => {
      globalThis.timers = new Set();
      const { setTimeout: set, clearTimeout: clear } = globalThis;
      globalThis.setTimeout = (act, ms) => {
        const id = set(() => (timers.delete(id), act()), ms);
        timers.add(id);
        return id;
      };
      globalThis.clearTimeout = (id) => (timers.delete(id), clear(id));
    });
    for (const id of LANES) {
      await tab.begin(id, { room: id, transports: [id, "short-polling"], lane: { "short-polling": { interval: 600_000 } } });
      // Some while they open, some when they are.
      await tab.isOpen(id);
      await tab.begin(`${id}-early`, { room: id, transports: [id] });
      await tab.call(`${id}-early`, "close");
      await tab.call(id, "close");
      const before = (await tab.log(id)).events.length;
      await tab.page.evaluate(() => dispatchEvent(new Event("online")));
      assert.equal((await tab.log(id)).events.length, before, id);
      assert.equal((await tab.log(`${id}-early`)).state, "closed");
    }
    await tab.page.waitForFunction(() => timers.size === 0);
    // Pollers count as present for some of their intervals.
    for (const id of LANES.filter((id) => !id.endsWith("polling"))) await untilNobody(server.origin, id);
  });
});
