// @ts-check
/** The page of the demo: a column for every transport that the server offers and a browser speaks, one feed in all of them. */
import { Clock, absolute, resolution } from "/demo/clock.js";
import { Column } from "/demo/column.js";
import { find, write } from "/demo/dom.js";
import { number, plural, time } from "/demo/format.js";
import { Lane } from "/demo/lane.js";
import { Ledger } from "/demo/ledger.js";
import { People, begin, end, whoAmI } from "/demo/people.js";
import { Ports, origins } from "/demo/ports.js";
import { SILENT, WINDOW } from "/demo/samples.js";
import { Strip } from "/demo/strip.js";
import { Tour } from "/demo/tour.js";
import { MINGLED, verdict } from "/demo/words.js";

/** How often what changes is written, in milliseconds: as fast as one can read. */
const DRAW = 250;

/** How often the server is asked for its counts, in milliseconds. */
const COUNT = 1_000;

/** How often the page says anew what the numbers mean, in milliseconds: a sentence must stand long enough to be read. */
const SAY = 2_000;

const news = find("news", HTMLElement);
const room = find("room", HTMLInputElement);
const name = find("name", HTMLInputElement);
const rate = find("rate", HTMLInputElement);
const bytes = find("size", HTMLInputElement);
const share = find("share", HTMLButtonElement);
const clock = new Clock();
const ledger = new Ledger();
const publisher = new Worker("/demo/publisher.js", { type: "module" });

const offered = await fetch("/v1/transports").then(
  async (answer) => (await answer.json()).filter((/** @type {any} */ { module }) => module),
  (error) => {
    write(find("verdict", HTMLElement), `The server does not answer (${error.message}). Start it with "just demo" and load this page again.`);
    throw error;
  },
);
/** What may be chosen of a transport, its own module says; a module that does not come is its lane's trouble. @param {any} transport */
const described = (transport) => import(transport.module).then(({ option }) => ({ ...transport, option }), () => transport);
/** @type {import("/demo/lane.js").Transport[]} */
const transports = await Promise.all(offered.map(described));
const catalog = new Map(transports.map((transport) => [transport.id, transport]));
let me = await whoAmI();
/** Between two sessions there is none whose connections could be asked for. */
let isSomebody = true;
const homes = await origins();
const lanes = transports.map((transport, at) => new Lane(transport, homes[at] ?? homes[0] ?? location.origin, clock, catalog));
const columns = lanes.map((lane) => new Column(lane, (one) => cut([one])));
find("lanes", HTMLElement).append(...columns.map(({ root }) => root));
// Not before the lanes, which would push it down.
find("below", HTMLElement).hidden = false;
const people = new People(lanes);
const strip = new Strip(find("strip", HTMLElement), lanes);
const ports = new Ports(lanes, (text) => write(find("ports", HTMLElement), text));

/** @param {string} text */
const tell = (text) => write(news, text);

/** Every lane and the publisher into a room, from where they were when it is the same. @param {string} to */
function enter(to) {
  ports.enter(to);
  for (const lane of lanes) lane.open(to);
  publisher.postMessage({ room: to, session: me.session });
  people.enter(to, me);
}

/** @param {Lane[]} which */
async function cut(which) {
  for (const lane of which) lane.askCut();
  for (const port of new Set(which.map((lane) => lane.port))) {
    const refused = await cutPort(port);
    for (const lane of which) if (lane.port === port) lane.cut(refused);
  }
}

/** By the server, so that the browser sees what it would see of a broken network. @param {number} port @returns {Promise<string | undefined>} why not */
async function cutPort(port) {
  try {
    const answer = await fetch(`/v1/connections?port=${port}`, { method: "DELETE" });
    const body = await answer.json();
    if (!answer.ok) return body.detail;
    tell(`The server cut ${plural(body.cut, "connection")} on port ${port}.`);
    return body.cut === 0 ? "it has no connection" : undefined;
  } catch (error) {
    return `the server does not answer (${error instanceof Error ? error.message : error})`;
  }
}

/** @param {string} as */
async function rename(as) {
  if (!isSomebody) return;
  isSomebody = false;
  for (const lane of lanes) lane.close();
  publisher.postMessage({ close: true });
  try {
    await end();
    me = await begin(as);
    tell(`You are ${me.name} now: a new session, on every lane, from the same positions.`);
  } catch (error) {
    tell(`That name was not taken: ${error instanceof Error ? error.message : error}`);
    // Without a server the lanes say so, and come back by themselves.
    me = await begin(me.name).catch(() => me);
  }
  isSomebody = true;
  name.value = me.name;
  enter(room.value);
}

/** A server that was started anew may know no session of before. */
async function remain() {
  const answer = await fetch("/session").catch(() => undefined);
  if (answer && !answer.ok) await rename(me.name);
}

/** Bytes of a publication's data by the slider, which is logarithmic. */
const chosenBytes = () => Math.round(2 ** Number(bytes.value));

function publish() {
  publisher.postMessage({ rate: Number(rate.value), bytes: chosenBytes() });
  write(find("rate-now", HTMLElement), `${rate.value} /s`);
  write(find("size-now", HTMLElement), `${number(chosenBytes())} B`);
}

publisher.onmessage = ({ data }) => {
  if (data.clock) clock.add(data.clock[0], data.clock[1], data.clock[2]);
  if (data.behind) tell(`The server takes fewer messages than that: ${data.behind} wait for its answer, and the next is left out.`);
  if (data.refused) tell(`A publication was refused: ${data.refused}`);
};

const step = resolution();

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  const unseen = lanes.reduce((sum, lane) => sum + lane.unseen, 0);
  for (const lane of lanes) lane.unseen = 0;
  if (unseen) tell(`This tab was in the background, where browsers slow timers and polls down: ${plural(unseen, "delivery", "deliveries")} of that time ${unseen === 1 ? "is" : "are"} not in the delays.`);
});

function draw() {
  if (document.hidden) return;
  const now = absolute(performance.now());
  const seen = columns.map((column) => {
    const { lane } = column;
    const [isCounted, isAlone] = [ports.isCounted(lane), ports.isAlone(lane)];
    /** @param {import("/demo/ledger.js").Row} row  Posts belong to the lane that has a port of its own. */
    const belongs = ({ port, transport }) => port === lane.port && (transport === lane.transport.id || (transport === null && isAlone));
    const span = isCounted ? ledger.span(belongs, lane.since) : undefined;
    return { ...column.draw(now, span, isCounted ? ledger.reason : MINGLED, isAlone), silence: lane.silence(now) };
  });
  const live = lanes.some((lane) => lane.silence(now) < SILENT / 4);
  for (const lane of lanes) if (ports.shared && live && lane.silence(now) > SILENT) lane.starve();
  strip.draw(now);
  people.draw();
  if (performance.now() - said > SAY) {
    said = performance.now();
    summarize(seen);
  }
}

let said = 0;

/** @param {(import("/demo/column.js").Seen & {silence: number})[]} seen */
function summarize(seen) {
  const live = seen.some(({ silence }) => silence < SILENT / 4);
  const silent = (/** @type {{silence: number}} */ { silence }) => live && silence > SILENT;
  // Two lanes may have the same transport.
  const named = seen.map((one, at) => (seen.filter(({ title }) => title === one.title).length > 1 ? { ...one, title: `${one.title} (lane ${at + 1})` } : one));
  const sentences = verdict(named.filter((one) => !silent(one)), named.filter(silent).map(({ title }) => title), clock.bound);
  write(find("verdict", HTMLElement), sentences.join(" ") || "Measuring: the first sentences need some messages.");
  const isolated = crossOriginIsolated ? "" : " (this page is not isolated, so its clock is coarse)";
  const bound = Number.isFinite(clock.bound) ? `± ${time(clock.bound)} against the server's` : "not compared with the server's in the last minute";
  const reason = ledger.reason || (lanes.some((lane) => ports.isCounted(lane)) ? "" : MINGLED);
  const uncounted = reason ? ` Bytes are not counted: ${reason}.` : "";
  write(find("clock", HTMLElement), `Delays, bytes and requests are of the last ${WINDOW / 1000} s. Clock: ${bound}, steps of ${number(step * 1000)} us${isolated}.${uncounted}`);
}

for (const input of [rate, bytes]) {
  input.addEventListener("input", () => {
    publish();
    // What was said of the rate before is over.
    tell("");
  });
}
find("cut-all", HTMLButtonElement).addEventListener("click", () => cut(lanes));
share.addEventListener("click", () => {
  const shared = share.getAttribute("aria-pressed") !== "true";
  share.setAttribute("aria-pressed", String(shared));
  ports.share(shared, room.value);
});
find("who", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (name.value !== me.name) rename(name.value);
  else if (room.value !== people.room) enter(room.value);
});

/** @param {HTMLInputElement} input @param {string} value */
function set(input, value) {
  input.value = value;
  publish();
}

new Tour(
  [
    { at: "#say", title: "one feed, five ways", text: "Everything said here goes to one room, and comes back over every transport. Beside each line stands when it came over which. Send something.", button: "say hello", act: () => people.send("hello") },
    { at: "#verdict", title: "who is late", text: "Who polls learns of a message when it asks next. Let it ask every 250 ms: it is earlier, and its requests and bytes grow.", button: "ask every 250 ms", act: () => lanes.find(({ transport }) => transport.option?.choices.includes(250))?.choose(250) },
    { at: ".lane .bytes", title: "what it costs", text: "The data is the dark part of each bar. All else is what the transport adds; on requests it is mostly HTTP heads. Small messages show it best.", button: "make messages small", act: () => set(bytes, "5") },
    { at: "#cut-all", title: "when the network breaks", text: "Cut all. Each lane finds out in its own way and time, gives its last position, and gets what came meanwhile. Read the sentence in each.", button: "cut all", act: () => cut(lanes) },
    { at: "#share", title: "six connections", text: "With HTTP/1.1 a browser opens six connections to one host and port. Streams keep theirs. Put all lanes on one port, with a few streams as of further tabs, and see which lanes starve. Once more gives each its own again.", button: "all on one port, or back", act: () => share.click() },
  ],
  find("tour-open", HTMLButtonElement),
);

// For the console of whoever wants to look closer.
Object.assign(globalThis, { feedbench: { lanes, clock, ledger } });

for (const lane of lanes) lane.addEventListener("epoch", remain);
name.value = me.name;
publish();
enter(room.value);
setInterval(draw, DRAW);
/** One after the other, however long the server takes. */
async function count() {
  if (isSomebody) await ledger.look();
  setTimeout(count, COUNT);
}
setTimeout(count, COUNT);
