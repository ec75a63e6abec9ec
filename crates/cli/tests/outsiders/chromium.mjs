// The installed Chromium, quiet: nothing but what a page asks for goes over the network.

import { chromium } from "playwright-core";

const quiet = ["gpu", "quic", "background-networking", "component-update", "sync"].map((what) => `--disable-${what}`);

export const launch = () =>
  chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--no-first-run", ...quiet] });
