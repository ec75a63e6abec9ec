// Pictures of the demo's page: light, dark, on a phone, after a cut, with lanes that starve, in the tour. Arguments: the program,
// the folder for the pictures, whose old ones of the demo are removed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { launch } from "./chromium.mjs";
import { album } from "./png.mjs";

const [, , program, folder] = process.argv;

const WIDE = { width: 1440, height: 900 };
const listen = Array.from({ length: 6 }, () => ["--listen", "127.0.0.1:0"]).flat();

const server = spawn(program, ["serve", ...listen, "--watch-connections", "--publish-limit", "200", "--until-stdin-closes"], { stdio: ["pipe", "pipe", "inherit"] });
const browser = await launch();
try {
  const [ready] = await once(server.stdout, "data");
  const { save, count } = await album(browser, folder, (name) => name.startsWith("demo-"));
  // Five hues and their greys.
  const large = { colours: 64, bytes: 200_000 };

  /** The page as somebody named so has it, with half a minute of numbers. */
  async function open(name, options) {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(JSON.parse(ready).listening);
    await page.locator("#name").fill(name);
    await page.getByRole("button", { name: "change" }).click();
    await page.locator("#here li", { hasText: `${name} (you)` }).waitFor();
    await page.waitForTimeout(35_000);
    return page;
  }
  const all = async (name, page) => save(name, large, await page.screenshot({ fullPage: true }));

  const [light, dark, phone] = await Promise.all([
    open("ana", { viewport: WIDE, colorScheme: "light", reducedMotion: "reduce" }),
    open("bob", { viewport: WIDE, colorScheme: "dark" }),
    open("cem", { viewport: { width: 375, height: 812 }, colorScheme: "light" }),
  ]);
  for (const [page, text] of [[dark, "hello, ana"], [light, "hello, bob: who is late?"]]) {
    await page.locator("#text").fill(text);
    await page.getByRole("button", { name: "send" }).click();
    await page.locator("#talk > li", { hasText: text }).locator(".times li").nth(4).waitFor();
  }
  await all("demo-light", light);
  await all("demo-dark", dark);
  await all("demo-phone", phone);
  await phone.context().close();
  await light.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
  await save("demo-bytes", large, await light.locator("#lanes").screenshot());
  await light.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = false)));
  await light.getByRole("button", { name: "show me around" }).click();
  await save("demo-tour", large, await light.screenshot());
  await light.keyboard.press("Escape");
  await dark.getByRole("button", { name: "cut all" }).click();
  await dark.locator("[data-lane] .said", { hasText: "EventSource itself asks again" }).first().waitFor();
  await save("demo-cut", large, await dark.screenshot({ fullPage: true }));
  await dark.context().close();
  await light.getByRole("button", { name: "all on one port" }).click();
  await light.waitForTimeout(20_000);
  await save("demo-starvation", large, await light.screenshot({ fullPage: true }));
  console.log(count());
} finally {
  await browser.close();
  server.stdin.end();
}
