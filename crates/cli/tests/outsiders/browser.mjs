// A real Chromium: a page of the server reads one feed over every lane that browsers have of their own. Arguments: the
// origin, the feed's path, the position to start at, and `modules` to read with the server's own browser halves.

import { chromium } from "playwright-core";
import { given, released, say } from "./common.mjs";

const [origin, feed, start, modules] = given;

/** Runs in the page, so it sees nothing of this file. */
function readEveryLane([feed, start]) {
  const source = new EventSource(`${feed}/sse?after=${start}`);
  source.onmessage = ({ data }) => say({ lane: "sse", item: data });
  for (const name of ["hello", "gap", "close"]) {
    source.addEventListener(name, ({ data }) => say({ lane: "sse", control: data }));
  }

  let position = start;
  function listen() {
    const socket = new WebSocket(`${feed}/websocket?after=${position}`);
    socket.onmessage = ({ data }) => {
      const { offset } = JSON.parse(data);
      say({ lane: "websocket", [offset ? "item" : "control"]: data });
      if (offset) position = `${start.split(".")[0]}.${offset}`;
    };
    socket.onclose = () => setTimeout(listen, 100);
  }
  listen();

  async function poll(lane, after) {
    try {
      const answer = await fetch(`${feed}/${lane}?after=${after}`);
      const batch = await answer.text();
      if (answer.status !== 204) say({ lane, batch });
      if (answer.ok && batch) after = JSON.parse(batch).position;
    } catch {
      // Cut; asked again.
    }
    setTimeout(poll, 100, lane, after);
  }
  poll("short-polling", start);
  poll("long-polling", start);
}

/** The server's own browser halves, in the page as well: every one it offers, as `module ID`. */
async function readModules([feed, start]) {
  const [namespace, room] = feed.split("/").slice(-2);
  for (const { id, module } of await (await fetch("/v1/transports")).json()) {
    if (!module) continue;
    const lane = `module ${id}`;
    const { subscribe } = await import(module);
    const onItem = (text) => say({ lane, [text.startsWith('{"offset":') ? "item" : "control"]: text });
    subscribe({ namespace, room, after: start }, { onItem, onEnd: (why) => say({ lane, control: JSON.stringify({ why }) }) });
  }
}

const quiet = ["gpu", "quic", "background-networking", "component-update", "sync"].map((what) => `--disable-${what}`);
const args = ["--no-sandbox", "--no-first-run", ...quiet];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
try {
  const page = await browser.newPage();
  await page.exposeFunction("say", say);
  await page.goto(origin);
  await page.evaluate(modules === "modules" ? readModules : readEveryLane, [feed, start]);
  await released();
} finally {
  await browser.close();
}
