// @ts-check
/**
 * The worker that publishes at a rate, and that compares clocks. A worker, because the timers of a page in the background hardly
 * run and a page that draws would stamp late.
 *
 * It is told `{room, session}`, `{rate, bytes}`, `{close}`; it tells `{clock: [server, before, after]}`, `{refused}` and, of how many wait
 * when it leaves one out, `{behind}`.
 */
import { connect } from "/feed.js";

/** How often clocks are compared, in milliseconds: often at first, then only because they drift. */
const COMPARE = 5_000;
const COMPARE_FIRST = 1_000;

/** How many times count as first. */
const FIRST = 10;

/** Publishes that may wait for their answers; beyond that the next one is left out, as the server cannot keep up. */
const MOST_WAITING = 200;

const absolute = () => performance.timeOrigin + performance.now();

/** @type {import("/feed.js").Feed | undefined} */
let feed;
/** @type {import("/feed.js").Feed | undefined} */
let clock;
let rate = 0;
let bytes = 120;
let count = 0;
let compared = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** When the exchange that is under way began. */
let asked = 0;
/** Whom the clock's publications are for: nobody else. */
let session = "";

/** The publication's data: JSON text of `bytes` bytes, as far as that can be. */
function data() {
  return { text: `#${++count} `.padEnd(bytes - `{"text":""}`.length, "hello to everybody in this room, ") };
}

function tick() {
  // Uneven, so that it never keeps step with a poller.
  timer = rate > 0 ? setTimeout(tick, (1000 / rate) * (0.5 + Math.random())) : undefined;
  if (!feed || rate <= 0) return;
  if (feed.waiting > MOST_WAITING) return postMessage({ behind: feed.waiting });
  const asked = feed;
  asked.publish("tick", data()).catch((error) => feed === asked && postMessage({ refused: error.detail ?? error.message }));
}

function compare() {
  setTimeout(compare, compared < FIRST ? COMPARE_FIRST : COMPARE);
  if (clock?.state !== "open" || clock.waiting > 0) return;
  compared++;
  asked = absolute();
  clock.publish("clock", asked, { to: session }).catch(() => {});
}

function close() {
  const old = [feed, clock];
  feed = clock = undefined;
  for (const one of old) one?.close();
}

/** @param {string} room */
function open(room) {
  close();
  feed = connect({ namespace: "chat", room });
  clock = connect({ namespace: "clock", room });
  clock.addEventListener("publication", (event) => {
    const { publication, at } = /** @type {CustomEvent} */ (event).detail;
    if (publication.data !== asked) return;
    postMessage({ clock: [publication.at_us / 1000, asked, performance.timeOrigin + at] });
  });
}

onmessage = ({ data: told }) => {
  if (told.room) {
    session = told.session;
    open(told.room);
  }
  if ("rate" in told) {
    ({ rate, bytes } = told);
    clearTimeout(timer);
    tick();
  }
  if (told.close) close();
};

compare();
