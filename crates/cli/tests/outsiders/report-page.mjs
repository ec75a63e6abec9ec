// Pages that feedbench writes, in a real Chromium and opened from disk. Arguments: what to look at, then the files. Prints a
// line for every look, with what is wrong.

import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { HtmlValidate } from "html-validate";
import { launch } from "./chromium.mjs";
import { given, say } from "./common.mjs";

const [what, ...files] = given;

const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
};
const WIDTHS = [360, 375, 1280, 2560];

/** A page that is open, and what it has done that it should not. */
async function open(browser, file, options) {
  const page = await (await browser.newContext({ ...options, offline: true })).newPage();
  const url = pathToFileURL(file).href;
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error}`));
  page.on("console", (message) => wrong.push(`console: ${message.text()}`));
  page.on("request", (request) => request.url() === url || wrong.push(`asked for ${request.url()}`));
  await page.goto(url);
  return { page, wrong };
}

const unfold = (page) => page.$$eval("details", (folds) => folds.forEach((fold) => (fold.open = true)));

/** Rules of accessibility: nothing serious. */
async function accessible(browser, file) {
  for (const [name, options] of Object.entries(VIEWS)) {
    const { page, wrong } = await open(browser, file, options);
    await unfold(page);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    for (const { id, impact, help, nodes } of violations) {
      if (["serious", "critical"].includes(impact)) wrong.push(`${impact} ${id}: ${help}: ${nodes.length}, ${nodes[0].html}`);
    }
    say({ look: `${basename(file)} ${name}`, wrong });
    await page.context().close();
  }
}

/** The rules of HTML. */
async function valid(_, file) {
  const report = await new HtmlValidate({ root: true, extends: ["html-validate:recommended"] }).validateFile(file);
  const messages = report.results.flatMap((result) => result.messages);
  say({ look: basename(file), wrong: messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`) });
}

/** Neither scripts nor a network: every section, every figure and the text of all tables are there. */
async function bare(browser, file) {
  const { page, wrong } = await open(browser, file, { ...VIEWS.light, javaScriptEnabled: false });
  for (const fold of await page.locator("summary").all()) await fold.click();
  const seen = await page.evaluate(() => {
    const drawn = (element) => element !== null && element.getClientRects().length > 0 && element.getBoundingClientRect().height > 0;
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
      lost: all("a[href^='#']").map((link) => link.hash).filter((hash) => !drawn(document.querySelector(hash))),
      empty: all("main > section").filter((section) => section.innerText.trim().length < 20).map((section) => section.id),
      undrawn: all("figure").filter((figure) => !all(`#${figure.id} svg`).some(drawn)).map((figure) => figure.id),
      hidden: all("th, td").filter((cell) => !drawn(cell)).map((cell) => cell.outerHTML),
      sections: all("main > section").length,
      buttons: all("button").length,
    };
  });
  for (const list of ["lost", "empty", "undrawn", "hidden"]) wrong.push(...seen[list].map((one) => `${list}: ${one}`));
  if (seen.sections < 2) wrong.push("no sections");
  if (seen.buttons) wrong.push(`${seen.buttons} buttons that nobody answers`);
  say({ look: basename(file), wrong });
}

/** The body never scrolls sideways, whatever is unfolded, on screen and on paper. */
async function fitting(browser, file) {
  for (const width of WIDTHS) {
    const { page, wrong } = await open(browser, file, { viewport: { width, height: 800 } });
    await unfold(page);
    const over = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if ((await over()) > 0) wrong.push(`${await over()} px too wide`);
    say({ look: `${basename(file)} ${width}`, wrong });
    await page.context().close();
  }
  // A4 upright between margins of a centimetre.
  const { page, wrong } = await open(browser, file, { viewport: { width: 718, height: 1047 } });
  await page.emulateMedia({ media: "print" });
  const cut = await page.$$eval("main *", (all) => {
    const beyond = (one) => one.getBoundingClientRect().right > 719 && !one.closest("details:not([open])");
    return all.filter(beyond).map((one) => one.outerHTML.slice(0, 90));
  });
  wrong.push(...cut.map((one) => `cut off on paper: ${one}`));
  say({ look: `${basename(file)} print`, wrong });
}

/** Verdict, answer and all lanes are in the first screen. */
async function first(browser, file) {
  const { page, wrong } = await open(browser, file, VIEWS.light);
  for (const part of [".verdict", ".lead", "#lanes tbody tr:last-child"]) {
    const box = await page.locator(part).boundingBox();
    if (!box || box.y + box.height > VIEWS.light.viewport.height) wrong.push(`${part} ends at ${box && box.y + box.height}`);
  }
  say({ look: basename(file), wrong });
}

/** What the script adds. */
async function alive(browser, file) {
  for (const [name, options] of Object.entries({ light: VIEWS.light, phone: VIEWS.phone })) {
    const { page, wrong } = await open(browser, file, options);
    const must = (holds, words) => holds || wrong.push(words);
    await unfold(page);
    await values(page, must);
    await figures(page, must);
    await tables(page, must);
    say({ look: `${basename(file)} ${name}`, wrong });
    await page.context().close();
  }
}

async function values(page, must) {
  const tip = page.locator(".tip");
  let walked = 0;
  for (const drawing of await page.locator("figure [role=group]").all()) {
    const texts = await drawing.locator(".tips rect").evaluateAll((places) => places.map((place) => place.dataset.tip));
    if (!(await drawing.isVisible())) continue;
    walked += 1;
    must(texts.every((text) => text), `a place without a value among ${texts.length}`);
    await drawing.focus();
    await page.keyboard.press("End");
    must((await page.locator(".spoken").textContent()) === texts.at(-1), `End says no ${texts.at(-1)}`);
    await page.keyboard.press("ArrowLeft");
    must((await tip.textContent()) === (texts.at(-2) ?? texts[0]), `the key before shows no ${texts.at(-2)}`);
    await drawing.blur();
    must(await tip.isHidden(), "a value stays when its figure is left");
    const last = drawing.locator(".tips rect").last();
    await last.evaluate((place) => place.scrollIntoView({ block: "center", behavior: "instant" }));
    await last.hover({ force: true });
    const hovered = tip.filter({ hasText: texts.at(-1), visible: true });
    must(await hovered.waitFor({ timeout: 2000 }).then(() => true, () => false), `no ${texts.at(-1)} under the pointer`);
    await page.mouse.move(0, 0);
  }
  must(walked > 0 || (await page.locator("figure").count()) === 0, "no figure has values");
  must((await page.locator("svg title").count()) === 0, "a title is left, which would be shown beside the value");
}

async function figures(page, must) {
  const dialog = page.locator("dialog");
  for (const figure of (await page.locator("figure").all()).slice(0, 2)) {
    await figure.getByRole("button", { name: "Enlarge" }).click();
    const drawing = dialog.locator(".wide");
    const width = async () => (await drawing.boundingBox()).width;
    const before = await width();
    await dialog.getByRole("button", { name: "Zoom in" }).click();
    must((await width()) > 1.4 * before, "it does not zoom in");
    await page.locator(".stage").hover();
    await page.mouse.wheel(0, 2000);
    must(Math.abs((await width()) - before) < 2, "the wheel does not zoom out");
    await page.keyboard.press("Escape");
    must(await dialog.isHidden(), "Escape does not close it");
    // A dialog tells of its end a moment later.
    const back = figure.locator(".wide svg").waitFor({ state: "attached", timeout: 2000 });
    must(await back.then(() => true, () => false), "the drawing did not come back");
  }
}

async function tables(page, must) {
  const table = page.locator(".table").first();
  const column = () =>
    table.evaluate((table) => [...table.querySelectorAll("tbody tr")].map((row) => Number(row.cells[1].dataset.value ?? Infinity)));
  const written = await column();
  const sort = table.locator("thead th").nth(1).getByRole("button");
  const sorted = written.toSorted((a, b) => a - b);
  const finite = (list) => list.filter(Number.isFinite);
  for (const wanted of [sorted, [...finite(sorted).toReversed(), ...sorted.filter((n) => n === Infinity)], written]) {
    await sort.click();
    must(`${await column()}` === `${wanted}`, `sorted to ${await column()}, not ${wanted}`);
  }
  const rows = await table.locator("tr").count();
  await page.evaluate(() =>
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text) => (globalThis.copied = text) } }),
  );
  for (const [form, extra] of [["Markdown", 1], ["CSV", 0]]) {
    await table.getByRole("button", { name: form }).click();
    const lines = (await page.evaluate(() => globalThis.copied)).trimEnd().split("\n");
    must(lines.length === rows + extra, `${form} has ${lines.length} lines for ${rows} rows`);
  }
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await table.getByRole("button", { name: "CSV" }).click();
  const field = table.locator("textarea");
  must((await field.inputValue()).trimEnd().split("\n").length === rows, "nothing to copy by hand");
}

const looks = { accessible, valid, bare, fitting, first, alive };
const browser = what === "valid" ? undefined : await launch();
try {
  for (const file of files) await looks[what](browser, file);
} finally {
  await browser?.close();
}
