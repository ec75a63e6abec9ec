// Pictures of a page, section by section: light, dark, on a phone and on paper. Arguments: the page, the folder for the
// pictures, whose old ones are removed. PNG of few colours, which keeps text sharp and files small; a section that is too long
// for a small picture is shown from its beginning.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { launch } from "./chromium.mjs";

const [, , file, folder] = process.argv;

/** What is drawn needs its hues; mere text looks the same in less. */
const DRAWN = { colours: 32, bytes: 118_000 };
const WRITTEN = { colours: 8, bytes: 100_000 };
const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 375, height: 812 } },
  // A4 upright between margins of a centimetre.
  print: { colorScheme: "light", viewport: { width: 718, height: 1047 } },
};

/** Runs in a page of its own: the picture as rows of colour numbers, a byte each, every row behind a zero; and the colours. */
async function reduced([png, most]) {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  const key = (at) => ((data[at] >> 2) << 12) | ((data[at + 1] >> 2) << 6) | (data[at + 2] >> 2);
  const counts = new Map();
  for (let at = 0; at < data.length; at += 4) counts.set(key(at), (counts.get(key(at)) ?? 0) + 1);
  const seen = [...counts].map(([key, count]) => {
    const colour = [key >> 12, (key >> 6) & 63, key & 63].map((part) => part * 4 + (part >> 4));
    const [r, g, b] = colour;
    // Hues tell lanes apart; one grey stands for another.
    const place = [(r + 2 * g + b) / 4, 3 * (r - g), 3 * (b - g)];
    return { key, colour, place, weight: count ** 0.3, apart: 1e6, nearest: 0 };
  });
  const colours = [];
  while (colours.length < most) {
    const next = seen.reduce((a, b) => (b.weight * b.apart > a.weight * a.apart ? b : a));
    if (next.apart === 0) break;
    for (const one of seen) {
      const apart = one.place.reduce((sum, part, n) => sum + (part - next.place[n]) ** 2, 0);
      if (apart < one.apart) Object.assign(one, { apart, nearest: colours.length });
    }
    colours.push(next.colour);
  }
  const nearest = new Map(seen.map((one) => [one.key, one.nearest]));
  const rows = new Uint8Array((width + 1) * height);
  for (let at = 0; at < width * height; at++) rows[at + Math.floor(at / width) + 1] = nearest.get(key(at * 4));
  let text = "";
  for (let at = 0; at < rows.length; at += 8192) text += String.fromCharCode(...rows.subarray(at, at + 8192));
  return { width, height, colours, rows: btoa(text) };
}

/** PNG, second edition: https://www.w3.org/TR/png/ */
function encoded({ width, colours }, rows) {
  const chunk = (name, data) => {
    const named = Buffer.concat([Buffer.from(name), data]);
    const [length, check] = [data.length, crc32(named)].map((number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(number);
      return bytes;
    });
    return Buffer.concat([length, named, check]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length / (width + 1), 4);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(colours.flat())),
    chunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** As much of a picture as a small file holds. */
function small(picture, most) {
  const rows = Buffer.from(picture.rows, "base64");
  let { height } = picture;
  for (;;) {
    const file = encoded(picture, rows.subarray(0, height * (picture.width + 1)));
    if (file.length <= most) return file;
    height = Math.floor((height * 0.97 * most) / file.length);
  }
}

await mkdir(folder, { recursive: true });
const old = (await readdir(folder)).filter((name) => name.endsWith(".png"));
await Promise.all(old.map((name) => rm(join(folder, name))));
const browser = await launch();
try {
  const bench = await browser.newPage();
  let total = 0;
  const save = async (name, { colours, bytes: most }, png) => {
    const bytes = small(await bench.evaluate(reduced, [png.toString("base64"), colours]), most);
    total += bytes.length;
    await writeFile(join(folder, `${name}.png`), bytes);
  };
  for (const [view, options] of Object.entries(VIEWS)) {
    const page = await browser.newPage(options);
    await page.goto(pathToFileURL(resolve(file)).href);
    if (view === "print") await page.emulateMedia({ media: "print" });
    await save(`first-${view}`, DRAWN, await page.screenshot());
    // It would lie over every picture.
    await page.addStyleTag({ content: "nav{position:static!important}" });
    for (const section of await page.locator("main > section").all()) {
      const drawn = (await section.locator("svg").count()) > 0;
      await save(`${await section.getAttribute("id")}-${view}`, drawn ? DRAWN : WRITTEN, await section.screenshot());
    }
    await page.close();
  }
  console.log(`${(await readdir(folder)).length} files, ${total} bytes: ${folder}`);
} finally {
  await browser.close();
}
