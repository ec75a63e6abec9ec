// web/feed.js over every lane, in a real Chromium: the same bytes, switches, cuts, pauses. `node --test` runs it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertWhole, done, held, network, open, post, serve } from "./feed-rig.mjs";

const LANES = ["websocket", "sse", "long-polling", "short-polling", "socketio"];
const lane = { "short-polling": { interval: 50 } };
const awkward = ['she said "hi", \\ \t\r\n', "nul \u0000 😀 \ud800", "line\u2028paragraph", "", { a: [[], {}], "": null }, "x".repeat(10_000)];

let server, net, tab;
before(async () => {
  server = await serve(["--publish-limit", "0"]);
  net = await network(server.port);
  tab = await open(net.origin);
});
after(async () => {
  await done();
  net.close();
  await server.kill();
  assert.deepEqual(tab.wrong, []);
});

const count = (name, wanted) => tab.until(name, ({ events, argument }) => events.filter(({ kind }) => kind === "publication").length >= argument, wanted);

describe("lanes", { concurrency: true }, () => {
  for (const id of LANES) {
    test(`${id} gives the source texts and the position, and publishes`, async () => {
      const room = `bytes-${id}`;
      for (const data of awkward) await post(server.origin, room, data);
      // Numbers and doubled keys that JavaScript would not write so.
      const body = '{"event":"message","data":{"n":12345678901234567890123,"n":-0.0,"e":1E400}}';
      await fetch(`${server.origin}/v1/test/${room}/messages`, { method: "POST", body });
      await tab.begin(room, { room, after: "earliest", transports: [id], lane });
      await tab.say(room, "message", { text: "from the page" });
      await tab.until(room, ({ acks }) => acks[0]);
      await count(room, awkward.length + 2);
      const wanted = await held(server.origin, room);
      const { texts, position, acks, events, transport } = await tab.log(room);
      assert.equal(wanted.length, awkward.length + 2);
      assert.ok(texts[awkward.length].endsWith('"data":{"n":12345678901234567890123,"n":-0.0,"e":1E400}}'));
      assertWhole(texts, wanted, id);
      assert.equal(acks[0], position);
      assert.equal(transport, id);
      const [{ at }] = events.filter(({ kind }) => kind === "publication");
      assert.ok(at > 0 && at <= (await tab.page.evaluate(() => performance.now())), "stamped by the page's clock");
      await tab.call(room, "close");
    });
  }

  test("a head start skips what was there, and one at a position does not", async () => {
    for (const id of LANES) {
      const room = `head-${id}`;
      await post(server.origin, room, "old");
      await tab.begin(room, { room, transports: [id], lane });
      await tab.isOpen(room);
      await post(server.origin, room, "new");
      await count(room, 1);
      const { texts, position } = await tab.log(room);
      assertWhole(texts, (await held(server.origin, room)).slice(1), id);
      assert.match(position, /\.2$/);
      await tab.begin(`${room}-after`, { room, transports: [id], lane, after: position.replace(/2$/, "1") });
      await count(`${room}-after`, 1);
      assertWhole((await tab.log(`${room}-after`)).texts, texts, id);
      for (const name of [room, `${room}-after`]) await tab.call(name, "close");
    }
  });

  test("switching through all lanes under way loses and repeats nothing, up and down", async () => {
    const room = "switching";
    await tab.begin(room, { room, after: "earliest", transports: LANES, lane });
    await tab.isOpen(room);
    const publishing = (async () => {
      for (let n = 0; n < 200; n++) {
        await Promise.all([post(server.origin, room, `outside ${n}`), new Promise((wake) => setTimeout(wake, 5))]);
        if (n % 4 === 0) await tab.say(room, "message", n);
      }
    })();
    const route = ["sse", "long-polling", "socketio", "short-polling", "websocket", "socketio", "sse", "websocket"];
    for (const id of route) assert.equal(await tab.call(room, "use", id), undefined, id);
    await publishing;
    await tab.until(room, ({ acks, events }) => acks.every(Boolean) && events.filter(({ kind }) => kind === "publication").length >= 250);
    const { texts, acks, events } = await tab.log(room);
    const wanted = await held(server.origin, room);
    assert.equal(wanted.length, 250, "what is published is never doubled");
    assertWhole(texts, wanted);
    const own = wanted.map((text) => JSON.parse(text)).filter(({ data }) => typeof data === "number");
    assert.deepEqual(own.map(({ data }) => data), Array.from({ length: 50 }, (_, n) => n * 4), "in order");
    assert.deepEqual(acks.map((position) => Number(position.split(".")[1])), own.map(({ offset }) => offset));
    const switches = events.filter(({ kind }) => kind === "switch");
    assert.deepEqual(switches.map(({ to, why }) => [to, why]), route.map((id) => [id, "asked"]));
    await tab.call(room, "close");
  });

  test("a switch that does not come up stays on the old lane", async () => {
    const room = "staying";
    await tab.begin(room, { room, transports: ["websocket"] });
    await tab.isOpen(room);
    assert.match(await tab.call(room, "use", "raw"), /cannot speak "raw".*websocket/);
    await post(server.origin, room, "still here");
    await count(room, 1);
    assert.equal((await tab.log(room)).transport, "websocket");
    await tab.call(room, "close");
  });

  test("what a browser cannot speak is refused for good, with what it can", async () => {
    await tab.begin("raw", { room: "raw", transports: ["raw"] });
    await tab.until("raw", ({ feed }) => feed.state === "closed");
    assert.match((await tab.log("raw")).events.at(-1).reason, /cannot speak "raw".*websocket/);
  });

  test("options of a lane are changed under way", async () => {
    const room = "options";
    await tab.begin(room, { room, transports: ["short-polling"], lane: { "short-polling": { interval: 600_000 } } });
    await tab.isOpen(room);
    await post(server.origin, room, "late");
    assert.equal(await tab.call(room, "configure", "short-polling", { interval: 20 }), undefined);
    await count(room, 1);
    await tab.call(room, "close");
  });

  for (const id of LANES) {
    test(`${id} pauses and resumes in order, over a reconnect too`, async () => {
      const room = `pause-${id}`;
      await tab.begin(room, { room, transports: [id], lane });
      await tab.isOpen(room);
      await tab.call(room, "pause");
      await tab.call(room, "pause");
      for (let n = 0; n < 5; n++) await post(server.origin, room, n);
      const isStream = !id.endsWith("polling");
      if (isStream) await tab.until(room, ({ feed }) => feed.held.items === 5);
      await tab.call(room, "reconnect");
      await tab.isOpen(room);
      await post(server.origin, room, "é");
      if (isStream) await tab.until(room, ({ feed }) => feed.held.items === 6);
      const wanted = await held(server.origin, room);
      const paused = await tab.log(room);
      assert.deepEqual(paused.texts, []);
      assert.match(paused.position, /\.0$/);
      if (isStream) assert.equal(paused.held.bytes, new TextEncoder().encode(wanted.join("")).length);
      await tab.call(room, "resume");
      await count(room, 6);
      await post(server.origin, room, "on");
      await count(room, 7);
      const { texts, position, held: left } = await tab.log(room);
      assertWhole(texts, await held(server.origin, room), id);
      assert.match(position, /\.7$/);
      assert.deepEqual(left, { items: 0, bytes: 0 });
      await tab.call(room, "close");
    });
  }
});

// By itself: a cut is everybody's.
for (const id of LANES) {
  test(`${id} is cut and resumes where it was`, async () => {
    const room = `cut-${id}`;
    await tab.begin(room, { room, transports: [id], lane });
    await tab.isOpen(room);
    await post(server.origin, room, "before");
    await count(room, 1);
    net.down();
    await tab.until(room, ({ feed }) => feed.state === "waiting");
    for (let n = 0; n < 20; n++) await post(server.origin, room, n);
    net.up();
    // As a returning network does; EventSource's own retry has a test of its own.
    if (id === "sse") await tab.page.evaluate(() => dispatchEvent(new Event("online")));
    await count(room, 21);
    await tab.isOpen(room);
    const { texts, events, transport } = await tab.log(room);
    assertWhole(texts, await held(server.origin, room), id);
    assert.equal(transport, id);
    assert.deepEqual(events.filter(({ kind }) => kind === "gap" || kind === "duplicate"), []);
    await tab.call(room, "close");
  });
}
