// What the tests of web/feed.js share: the real server, a network in front of it that does what it is told, and a page that
// writes down what feeds tell. The server's binary is in FEEDBENCH.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";

/** Longer than anything is waited for that is to happen. */
export const PATIENCE_MS = 30_000;

const here = { host: "127.0.0.1", port: 0 };

/** Starts a server; again at the same port when it is given one. */
export async function serve(flags = [], port = 0) {
  const child = spawn(process.env.FEEDBENCH, ["serve", "--until-stdin-closes", "--listen", `127.0.0.1:${port}`, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout);
  const [line] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => assert.fail("the server does not start"))]);
  const { addresses } = JSON.parse(line);
  const [origin] = addresses;
  const exited = once(child, "exit");
  return {
    origin,
    addresses,
    port: Number(new URL(origin).port),
    /** SIGTERM: it says goodbye. */
    drain: () => (child.kill("SIGTERM"), exited),
    kill: () => (child.kill("SIGKILL"), exited),
  };
}

/** A network: a port that leads to the server's as long as it is not told otherwise. */
export async function network(port) {
  const open = new Set();
  const rules = { upstream: port, isDown: false, isMute: false, refuses: undefined };
  const cut = () => open.forEach((socket) => socket.resetAndDestroy());
  const proxy = createServer((socket) => {
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    if (rules.isDown) return socket.resetAndDestroy();
    open.add(socket);
    socket.once("data", (head) => {
      if (rules.refuses?.test(head)) return socket.end("HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      const other = connect(rules.upstream, here.host).on("error", () => socket.destroy());
      socket.on("close", () => other.destroy());
      other.write(head);
      socket.pipe(other);
      other.on("data", (answer) => rules.isMute || socket.write(answer)).on("end", () => socket.end());
    });
  });
  proxy.listen(here);
  await once(proxy, "listening");
  return {
    origin: `http://${here.host}:${proxy.address().port}`,
    open,
    /** Resets what is open. */
    cut,
    /** What comes in goes through, and no answer comes out. */
    mute: () => (rules.isMute = true),
    /** Resets what is open and what comes, until it is up. */
    down: () => ((rules.isDown = true), cut()),
    up: (port = rules.upstream) => Object.assign(rules, { isDown: false, isMute: false, upstream: port }),
    /** Answers 403 to whatever begins so; nothing when undefined. */
    refuse: (pattern) => (rules.refuses = pattern),
    close: () => (proxy.close(), cut()),
  };
}

/** Publishes from outside; gives the offset. */
export async function post(origin, room, data, more = {}) {
  const answer = await fetch(`${origin}/v1/test/${room}/messages`, { method: "POST", body: JSON.stringify({ event: "message", data, ...more }) });
  assert.equal(answer.status, 201, await answer.clone().text());
  return Number((await answer.json()).position.split(".").pop());
}

/** Everything that the room holds, as source texts. */
export async function held(origin, room) {
  const text = await (await fetch(`${origin}/v1/test/${room}/short-polling?after=earliest`)).text();
  return text ? splitItems(text) : [];
}

/** Done when the room holds so many. */
export async function untilHeld(origin, room, wanted) {
  const late = performance.now() + PATIENCE_MS;
  while ((await held(origin, room)).length < wanted) assert.ok(performance.now() < late, `${room} has ${wanted}`);
}

/** Done when nobody is in the room. */
export async function untilNobody(origin, room) {
  const late = performance.now() + PATIENCE_MS;
  const present = async () => (await (await fetch(`${origin}/v1/test/${room}/presence`)).json()).anonymous;
  while ((await present()) > 0) assert.ok(performance.now() < late, `${room} is empty`);
}

/** Another way to the texts than feed.js has: every item of these tests begins with its offset. */
const splitItems = (batch) => [...batch.matchAll(/\{"offset":\d+,.*?(?=,\{"offset":|\],"retry_after_ms"|\]\}$)/gs)].map(([text]) => text);

/** Runs in the page. */
function prepare() {
  globalThis.feeds = {};
  globalThis.begin = async (name, options) => {
    const { connect } = await import("/feed.js");
    if (options.origins) options.origin = (id) => options.origins[id] ?? location.origin;
    const feed = connect({ namespace: "test", ...options });
    const log = (globalThis.feeds[name] = { feed, events: [], acks: [] });
    for (const kind of ["publication", "state", "gap", "duplicate", "switch", "end", "error"])
      feed.addEventListener(kind, ({ detail }) => log.events.push({ kind, ...detail }));
  };
  globalThis.say = (name, event, data, more) => {
    const log = globalThis.feeds[name];
    log.acks.push(undefined);
    const at = log.acks.length - 1;
    log.feed.publish(event, data, more).then(
      (position) => (log.acks[at] = position),
      ({ status, message }) => (log.acks[at] = { status, message }),
    );
  };
}

let browser;

/** A page of its own at an origin. */
export async function open(origin) {
  browser ??= launch();
  const context = await (await browser).newContext();
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => /Content Security Policy|CORS/.test(message.text()) && wrong.push(message.text()));
  await page.goto(`${origin}/healthz`);
  await page.evaluate(prepare);
  /** What is true of a feed's log, when it is. */
  const until = async (name, holds, argument) => {
    const test = `({ feed, events, acks }, argument) => (${holds})({ feed, events, acks, argument })`;
    try {
      await page.waitForFunction(([name, test, argument]) => eval(test)(globalThis.feeds[name], argument), [name, test, argument], { timeout: PATIENCE_MS, polling: 20 });
    } catch (error) {
      const { events, state } = await log(name);
      throw new Error(`${holds}\n${JSON.stringify(events.slice(-20), null, 1)}\n${state}\n${error.message}`);
    }
  };
  const log = (name) =>
    page.evaluate((name) => {
      const { feed, events, acks } = globalThis.feeds[name];
      const { state, transport, position, session, waiting, held } = feed;
      return { state, transport, position, session, waiting, held, acks, events, texts: events.filter(({ kind }) => kind === "publication").map(({ text }) => text) };
    }, name);
  return {
    page,
    wrong,
    begin: async (name, options) => {
      await page.evaluate(([name, options]) => globalThis.begin(name, options), [name, options]);
      return name;
    },
    isOpen: (name) => until(name, ({ feed }) => feed.state === "open"),
    /** Calls a method of the feed; undefined or the error's message. */
    call: (name, method, ...given) =>
      page.evaluate(async ([name, method, given]) => {
        try {
          await globalThis.feeds[name].feed[method](...given);
        } catch (error) {
          return error.message;
        }
      }, [name, method, given]),
    say: (name, ...given) => page.evaluate(([name, given]) => globalThis.say(name, ...given), [name, given]),
    until,
    log,
    close: async () => {
      assert.deepEqual(wrong, []);
      await context.close();
    },
  };
}

export const done = async () => (await browser)?.close();

/** Positions are increasing and none is left out or comes twice. */
export function assertWhole(texts, wanted, who) {
  assert.deepEqual(texts.map((text) => JSON.parse(text).offset), wanted.map((text) => JSON.parse(text).offset), who);
  assert.deepEqual(texts, wanted, who);
}
