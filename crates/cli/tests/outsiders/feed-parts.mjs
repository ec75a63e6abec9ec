// What web/feed.js asks with where a transport is plain requests, and what docs/FEED_JS.md says of it; in Node, with answers and a
// time of the test's own. `node --test` runs it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, mock, test } from "node:test";

const web = new URL("../../../../web/", import.meta.url);
const { itemTexts, poll } = await import(new URL("http-feed.js", web));

/** What was asked for, in order. */
let asked = [];
mock.method(globalThis, "fetch", (url, { signal }) =>
  new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    asked.push({ url, answer: (body, status = 200, headers = {}) => resolve(new Response(body && JSON.stringify(body), { status, headers })) });
  }));

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

const turns = async (n = 5) => {
  while (n-- > 0) await new Promise(setImmediate);
};
async function pass(ms) {
  await turns();
  mock.timers.tick(ms);
  await turns();
}

/** A poll every 100 ms, and what it says. */
function polling() {
  asked = [];
  const said = [];
  const on = Object.fromEntries(["ready", "item", "position", "end"].map((kind) => [kind, (what) => said.push([kind, what])]));
  const link = poll({ origin: "http://o", namespace: "n", room: "r" }, on, (after) => `p?${after}`, (hinted) => hinted);
  return { link, said };
}
const batch = (position, ...items) => ({ position, items, retry_after_ms: 100 });

test("a poll that is paused gives up what it asked, and asks for it again", async () => {
  const { link, said } = polling();
  asked[0].answer(batch("e.1", { offset: 1 }));
  await turns();
  await pass(100);
  asked[1].answer(batch("e.2", { offset: 2 }));
  // Its answer is there and not read yet.
  link.pause();
  link.resume();
  await turns();
  assert.deepEqual(asked.map(({ url }) => url), ["http://o/v1/n/r/p?undefined", "http://o/v1/n/r/p?e.1", "http://o/v1/n/r/p?e.1"]);
  asked[2].answer(batch("e.2", { offset: 2 }));
  await turns();
  const items = said.filter(([kind]) => kind === "item");
  assert.deepEqual(items, [["item", '{"offset":1}'], ["item", '{"offset":2}']]);
  link.pause();
  await pass(1000);
  link.resume();
  assert.equal(asked.length, 4, "one loop, and it was stopped while it waited");
  link.close();
  await pass(1000);
  assert.deepEqual([asked.length, said.filter(([kind]) => kind === "end")], [4, []]);
});

test("a poll tells what the server says of an end, and what a proxy does", async () => {
  const problem = { "content-type": "application/problem+json", "retry-after": "2" };
  for (const [body, status, headers, wanted] of [
    [{ detail: "drain", code: 3001 }, 503, problem, [503, "drain", 2000, 3001]],
    ["<h1>", 502, { "content-type": "text/html" }, [502, "502 ", 0, undefined]],
    // While one server is replaced by another.
    ["<h1>", 404, { "content-type": "text/html" }, [404, "404 ", 0, undefined]],
    [{ detail: "no such room" }, 404, problem, [404, "no such room", 2000, undefined]],
  ]) {
    const { said } = polling();
    asked[0].answer(body, status, headers);
    await pass(1000);
    const [[kind, error]] = said;
    assert.deepEqual([kind, error.status, error.detail, error.retryAfter, error.code], ["end", ...wanted]);
    assert.deepEqual([said.length, asked.length, error.isFinal], [1, 1, body.detail === "no such room"]);
  }
});

test("a poll that is not answered is given up when nobody holds it any longer", async () => {
  const { said } = polling();
  await pass(74_999);
  assert.deepEqual(said, []);
  await pass(1);
  assert.deepEqual(said.map(([kind, { message }]) => [kind, message]), [["end", "no answer in 75000 ms"]]);
  const answered = polling();
  asked[0].answer(batch("e.1"));
  await pass(100);
  asked[1].answer(batch("e.1"));
  await pass(50);
  answered.link.close();
  await pass(80_000);
  assert.deepEqual(answered.said.filter(([kind]) => kind === "end"), []);
});

test("the texts of a batch's items are its own, whatever is in them", () => {
  const items = ['{"offset":1,"data":"],[{}\\\\\\""}', '{"offset":2,"data":{"n":1e400,"n":[[],"\\"items\\":["]}}', '{"gap":{"from":3}}', '{"offset":4,"data":"\u2028😀"}'];
  for (let n = 0; n <= items.length; n++) {
    const some = items.slice(0, n);
    assert.deepEqual(itemTexts(`{"position":"e.9","items":[${some}],"retry_after_ms":1000}`), some);
    assert.deepEqual(itemTexts(`{"position":"e.9","items":[${some}]}`), some);
  }
});

test("its page has the defaults, the events and their details as they are", async () => {
  const [page, script] = await Promise.all(["../docs/FEED_JS.md", "feed.js"].map((path) => readFile(new URL(path, web), "utf8")));
  const defaults = [...page.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)];
  assert.equal(defaults.length, 5);
  for (const [, name, value] of defaults) assert.ok(script.includes(` ${name} = ${value.replace(",", "_")},`), name);
  const [, events] = /@typedef \{\{\n((?: \*   \w+: .*\n)+) \* \}\} Events/.exec(script);
  const typed = [...events.matchAll(/ (\w+): \{(.*)\},/g)].map(([, name, detail]) => [name, detail.match(/\w+(?=\??:)/g).sort()]);
  const rows = page.slice(page.indexOf("| event |")).split("\n\n")[0].split("\n").slice(2).map((row) => row.split(" | "));
  const written = rows.map(([name, detail]) => [name.match(/\w+/)[0], detail.match(/\w+/g).sort()]);
  assert.deepEqual(Object.fromEntries(written), Object.fromEntries(typed));
});
