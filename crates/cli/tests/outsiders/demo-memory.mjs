// Ten minutes of the demo's page at 50 publications a second: what the page's heap holds after collection, and the server's own
// memory, minute by minute. Fails when either grows by 5 % or more from minute 2 to the end. Arguments: the program, and minutes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { launch } from "./chromium.mjs";

const [, , program, minutes = "10"] = process.argv;

/** When what is filled once is full, in minutes. */
const FIRST = 2;

/** How much more may be held at the end. */
const MOST = 1.05;

const listen = Array.from({ length: 6 }, () => ["--listen", "127.0.0.1:0"]).flat();
const server = spawn(program, ["serve", ...listen, "--watch-connections", "--publish-limit", "200", "--until-stdin-closes"], { stdio: ["pipe", "pipe", "inherit"] });
const browser = await launch();
try {
  const [ready] = await once(server.stdout, "data");
  const page = await browser.newPage();
  await page.goto(JSON.parse(ready).listening);
  await page.locator("#rate").fill("50");
  const inside = await page.context().newCDPSession(page);

  /** One collection leaves what the next one takes: the least of five. */
  async function heap() {
    const sizes = [];
    for (let turn = 0; turn < 5; turn++) {
      await inside.send("HeapProfiler.collectGarbage");
      sizes.push((await inside.send("Runtime.getHeapUsage")).usedSize);
      await page.waitForTimeout(200);
    }
    return Math.min(...sizes);
  }

  async function held() {
    const usedSize = await heap();
    const rollup = await readFile(`/proc/${server.pid}/smaps_rollup`, "utf8");
    return { page: usedSize / 1024, server: Number(/^Pss_Anon:\s+(\d+) kB/m.exec(rollup)[1]) };
  }

  const taken = [];
  for (let minute = 1; minute <= Number(minutes); minute++) {
    await page.waitForTimeout(60_000);
    taken.push(await held());
    const delivered = await page.evaluate(() => globalThis.feedbench.lanes.map(({ delivered }) => delivered));
    console.log(`minute ${minute}: page ${taken.at(-1).page.toFixed(0)} KiB, server ${taken.at(-1).server} KiB, delivered ${delivered}`);
  }
  const [first, last] = [taken[FIRST - 1], taken.at(-1)];
  for (const what of ["page", "server"]) {
    const growth = last[what] / first[what];
    console.log(`${what}: ${((growth - 1) * 100).toFixed(1)} % from minute ${FIRST} to ${minutes}`);
    if (growth >= MOST) process.exitCode = 1;
  }
} finally {
  await browser.close();
  server.stdin.end();
}
