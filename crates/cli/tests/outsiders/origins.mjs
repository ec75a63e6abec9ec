// A real Chromium whose user has a session, and pages of other origins that try to use it. Arguments: the server's address,
// its second one, two of a stranger's page (of the same site and of another), and one of a page that may use the server.
// Says what every page could do, an attempt a line: `{page, attempt, got}`, where `got` begins with `refused` or `read`.

import { chromium } from "playwright-core";
import { given, released, say } from "./common.mjs";

const [origin, second, sameSite, crossSite, friend] = given;

/** Everything that a page can try on a feed. Runs in the page, so it sees nothing of this file. */
async function tryEverything([origin, namespace, isStranger]) {
  const root = `/v1/${namespace}/lobby`;
  const got = [];
  const late = () => new Promise((resolve) => setTimeout(resolve, 10_000, "late: nothing came"));
  async function attempt(name, what) {
    try {
      got.push([name, await Promise.race([what(), late()])]);
    } catch (error) {
      got.push([name, `refused: ${error}`]);
    }
  }

  /** What the page can read of an answer. */
  async function read(path, options) {
    const answer = await fetch(origin + path, { credentials: "include", ...options });
    if (answer.type === "opaque") return "refused: opaque";
    return answer.ok ? `read: ${await answer.text()}` : `refused: ${answer.status}`;
  }
  const engine = "/socket.io/?EIO=4&transport=";
  const polls = [`${root}/short-polling?after=earliest`, `${root}/long-polling?after=earliest`, `${engine}polling`];
  const body = JSON.stringify({ event: "message", data: "forged" });
  const posts = { [`${root}/messages`]: body, [`/v1/${namespace}/messages`]: body };
  for (const mode of isStranger ? ["cors", "no-cors"] : ["cors"]) {
    for (const path of ["/session", `/v1/${namespace}`, `${root}/presence`, ...polls]) {
      await attempt(`${mode} GET ${path}`, () => read(path, { mode }));
    }
    for (const [path, body] of Object.entries(posts)) {
      await attempt(`${mode} POST ${path}`, () => read(path, { mode, method: "POST", body }));
    }
  }
  const headers = { "content-type": "application/json", "idempotency-key": "k" };
  await attempt("POST with a preflight", () => read(`${root}/messages`, { method: "POST", headers, body }));
  await attempt("raw", () => read(`${root}/raw`, { headers: { connection: "Upgrade", upgrade: "feedbench-raw" } }));

  await attempt("EventSource", () => new Promise((resolve) => {
    const source = new EventSource(`${origin}${root}/sse?after=earliest`, { withCredentials: true });
    const done = (what) => (source.close(), resolve(what));
    source.onopen = () => done("read: it is open");
    source.onerror = () => done("refused: error");
  }));
  for (const path of [`${root}/websocket?after=earliest`, `${engine}websocket`]) {
    await attempt(`WebSocket ${path}`, () => new Promise((resolve) => {
      const socket = new WebSocket(origin.replace("http", "ws") + path);
      const done = (what) => (socket.close(), resolve(what));
      socket.onmessage = ({ data }) => done(`read: ${data}`);
      socket.onerror = () => done("refused: error");
    }));
  }
  if (!isStranger) return got;

  for (const tag of ["script", "img"]) {
    for (const path of [`${root}/sse?after=earliest`, ...polls]) {
      await attempt(`${tag} ${path}`, () => new Promise((resolve) => {
        const element = document.createElement(tag);
        element.onload = () => resolve("read: it loaded");
        element.onerror = () => resolve("refused: error");
        element.src = origin + path;
        document.body.append(element);
      }));
    }
  }
  /** A frame of a stranger's shows its page nothing; what it has done is seen at the server. */
  const framed = (fill) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${document.querySelectorAll("iframe").length}`;
    document.body.append(frame);
    frame.onload = () => resolve("refused: the page does not see into it");
    fill(frame);
  });
  for (const path of [`${root}/sse?after=earliest`, `${root}/short-polling`]) {
    await attempt(`frame ${path}`, () => framed((frame) => (frame.src = origin + path)));
  }
  for (const path of [`${root}/messages`, "/session"]) {
    await attempt(`form to ${path}`, () => framed((frame) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", enctype: "text/plain", action: origin + path, target: frame.name });
      const input = document.createElement("input");
      // The body becomes JSON: name, an equals sign, value.
      const [name, value] = path === "/session" ? ['{"name":"forged', '"}'] : ['{"event":"message","data":"forged', '"}'];
      Object.assign(input, { name, value });
      form.append(input);
      document.body.append(form);
      form.submit();
    }));
  }
  for (const mode of ["cors", "no-cors"]) {
    await attempt(`${mode} POST /session`, () => read("/session", { mode, method: "POST", body: '{"name":"forged"}' }));
  }
  await attempt("DELETE /session", () => read("/session", { method: "DELETE" }));
  return got;
}

/** What a window shows that a page opens, as a link would. */
async function follow(page, url) {
  const opening = page.context().waitForEvent("page");
  await page.evaluate((url) => void window.open(url), url);
  const opened = await opening;
  await opened.waitForLoadState();
  const shown = await opened.evaluate(() => document.body.innerText);
  await opened.close();
  return shown;
}

const quiet = ["gpu", "quic", "background-networking", "component-update", "sync"].map((what) => `--disable-${what}`);
const args = ["--no-sandbox", "--no-first-run", ...quiet];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
try {
  const context = await browser.newContext();
  const victim = await context.newPage();
  await victim.goto(`${origin}/healthz`);
  const who = (options) => victim.evaluate(async (options) => (await fetch("/session", options)).text(), options);
  const told = await who({ method: "POST", body: '{"name":"victim"}' });
  for (const [name, url] of Object.entries({ "same site": sameSite, "cross site": crossSite, friend, second })) {
    const page = await context.newPage();
    await page.goto(name === "second" ? `${url}/healthz` : url);
    const isStranger = name.endsWith("site");
    const tried = await page.evaluate(tryEverything, [origin, isStranger ? "secret" : "open", isStranger]);
    for (const [attempt, got] of tried) say({ page: name, attempt, got });
    if (isStranger) {
      await follow(page, `${origin}/v1/secret/lobby/short-polling`);
      say({ page: name, attempt: "link", got: `read: ${await follow(page, `${origin}/session`)}` });
      say({ page: name, attempt: "scripts and the cookie", got: `refused: ${await page.evaluate(() => document.cookie)}` });
    }
    say({ page: name, attempt: "the session is as it was", got: `read: ${(await who()) === told}` });
    await page.close();
  }
  say({ page: "", attempt: "done", got: told });
  await released();
} finally {
  await browser.close();
}
