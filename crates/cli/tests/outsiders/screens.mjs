// Pictures of a report, section by section: light, dark, on a phone and on paper. Arguments: the page, the folder for the
// pictures, whose old ones are removed. A section that is too long for a small picture is shown from its beginning.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./chromium.mjs";
import { DRAWN, WRITTEN, album } from "./png.mjs";

const [, , file, folder] = process.argv;

const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 375, height: 812 } },
  // A4 upright between margins of a centimetre.
  print: { colorScheme: "light", viewport: { width: 718, height: 1047 } },
};

const browser = await launch();
try {
  const { save, count } = await album(browser, folder, (name) => !name.startsWith("demo-"));
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
  console.log(count());
} finally {
  await browser.close();
}
