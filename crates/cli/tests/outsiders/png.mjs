// Small pictures of pages: PNG of few colours, which keeps text sharp and files small.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

/** What is drawn needs its hues; mere text looks the same in less. */
export const DRAWN = { colours: 32, bytes: 118_000 };
export const WRITTEN = { colours: 8, bytes: 100_000 };

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

/**
 * A folder for pictures, without those it has of which the name is `old`. Gives what saves one, as large as a small file holds
 * from its beginning, and what says how many there are.
 */
export async function album(browser, folder, old) {
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => name.endsWith(".png") && old(name));
  await Promise.all(names.map((name) => rm(join(folder, name))));
  const bench = await browser.newPage();
  let [files, total] = [0, 0];
  return {
    async save(name, { colours, bytes: most }, shot) {
      const bytes = small(await bench.evaluate(reduced, [shot.toString("base64"), colours]), most);
      files += 1;
      total += bytes.length;
      await writeFile(join(folder, `${name}.png`), bytes);
    },
    count: () => `${files} files, ${total} bytes: ${folder}`,
  };
}
