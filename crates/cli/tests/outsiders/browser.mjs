// A real Chromium: a page of the server reads one feed over every lane that browsers have of their own. Arguments: the
// origin, the feed's path, the position to start at, and `modules` to read with the server's own browser halves or
// `socketio` to read with the official Socket.IO client that the server hands out.

import { launch } from "./chromium.mjs";
import { given, released, say } from "./common.mjs";
import { readRooms } from "./socketio-rooms.mjs";

const [origin, feed, start, how] = given;

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
    const { open } = await import(module);
    const control = (what) => say({ lane, control: JSON.stringify(what) });
    open({ origin: location.origin, namespace, room, after: start }, {
      ready: (ready) => control({ ready }),
      item: (text) => say({ lane, [text.startsWith('{"offset":') ? "item" : "control"]: text }),
      position() {},
      away: (away) => control({ away }),
      end: ({ message, code }) => control({ close: { code, reason: message } }),
    });
  }
}

/** The official client from a script tag, in a page that knows nothing of it. */
async function readSocketIo(page) {
  await page.addScriptTag({ url: "/socket.io/socket.io.js" });
  const [namespace, room] = feed.split("/").slice(-2);
  for (const carrier of ["polling", "websocket", "upgrade"]) {
    const what = JSON.stringify({ carrier, url: `/${namespace}`, rooms: [room], after: start });
    await page.evaluate(`void (${readRooms})(io, say, ${what})`);
  }
}

const browser = await launch();
try {
  const page = await browser.newPage();
  await page.exposeFunction("say", say);
  page.on("pageerror", (error) => {
    throw error;
  });
  // The page itself would take some of the six connections.
  await page.goto(`${origin}/healthz`);
  if (how === "socketio") await readSocketIo(page);
  else await page.evaluate(how === "modules" ? readModules : readEveryLane, [feed, start]);
  await released();
} finally {
  await browser.close();
}
