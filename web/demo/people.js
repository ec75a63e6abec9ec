// @ts-check
/** People: who one is, who is there and by which lane, what they say, and when it came over each lane. */
import { find, make, mark, write } from "./dom.js";
import { delay } from "./format.js";

/** Lines of talk that are kept. */
const LINES = 100;

/** How often it is asked who is there, in milliseconds: by which lane is not announced. */
const LOOK = 2_000;

/** For how long somebody counts as typing, and how often that is said, in milliseconds. */
const TYPING = 3_000;

/** What the page remembers of there being a session; who it is stands in the cookie. */
const KNOWN = "feedbench-session";

/** @typedef {{name: string, session: string}} Me */

/** The session of this browser; a new one of a made-up name when there is none. @returns {Promise<Me>} */
export async function whoAmI() {
  const known = localStorage.getItem(KNOWN) ? await fetch("/session") : undefined;
  return known?.ok ? known.json() : begin(`guest-${Math.floor(Math.random() * 9_000) + 1_000}`);
}

/** @param {string} name @returns {Promise<Me>} */
export async function begin(name) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("/session", { method: "POST", headers, body: JSON.stringify({ name }) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  localStorage.setItem(KNOWN, "1");
  return body;
}

/** Ends this browser's session, with all its connections. */
export const end = () => fetch("/session", { method: "DELETE" });

export class People {
  log = find("talk", HTMLOListElement);
  scroll = find("scroll", HTMLElement);
  here = find("here", HTMLUListElement);
  form = find("say", HTMLFormElement);
  text = find("text", HTMLInputElement);
  over = find("over", HTMLSelectElement);
  to = find("to", HTMLSelectElement);
  answer = find("answer", HTMLElement);
  typing = find("typing", HTMLElement);
  /** The lines by position. @type {Map<string, {times: HTMLElement, lanes: Set<string>}>} */
  #lines = new Map();
  /** Until when somebody types. @type {Map<string, number>} */
  #typists = new Map();
  #saidTyping = 0;
  /** @type {Me} */
  me = { name: "", session: "" };
  room = "";

  /** @param {import("./lane.js").Lane[]} lanes */
  constructor(lanes) {
    this.lanes = lanes;
    for (const { id, transport } of lanes) this.over.append(new Option(transport.title, id));
    // The list goes from polling to streams.
    this.over.selectedIndex = lanes.length - 1;
    for (const lane of lanes) lane.addEventListener("delivery", (event) => this.#take(lane, /** @type {CustomEvent} */ (event).detail));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.text.value);
      this.text.value = "";
    });
    this.text.addEventListener("input", () => this.#type());
    this.#watch();
  }

  /** One look after the other, however long the server takes. */
  async #watch() {
    await this.look();
    setTimeout(() => this.#watch(), LOOK);
  }

  get #lane() {
    return this.lanes.find(({ id }) => id === this.over.value) ?? this.lanes[0];
  }

  /** @param {string} room @param {Me} me */
  enter(room, me) {
    this.me = me;
    if (room !== this.room) {
      this.#lines.clear();
      this.log.replaceChildren();
    }
    this.room = room;
    this.look();
  }

  /** Says something, over the lane and to whom is chosen. @param {string} text */
  async send(text) {
    const [lane, to] = [this.#lane, this.to.value];
    const options = to === "others" ? { echo: false } : to ? { to } : {};
    const start = performance.now();
    try {
      if (!lane.feed) throw new Error("there is no session at this moment");
      const sent = lane.feed.publish("message", { text }, options);
      if (lane.feed.state !== "open") write(this.answer, `${lane.transport.title} is not connected: it is kept, and sent when it is again.`);
      const position = await sent;
      const only = to === "others" ? " Your own lanes do not get it." : to === this.me.session ? " Only your own lanes get it." : to ? " Only you two get it." : "";
      write(this.answer, `Over ${lane.transport.title}, acknowledged at ${position} after ${delay(performance.now() - start)}.${only}`);
    } catch (error) {
      write(this.answer, `Not sent: ${error instanceof Error ? error.message : error}`);
    }
  }

  #type() {
    const now = performance.now();
    if (now - this.#saidTyping < TYPING / 2 || this.text.value === "") return;
    this.#saidTyping = now;
    this.#lane.feed?.publish("typing", {}, { echo: false }).catch(() => {});
  }

  /** @param {import("./lane.js").Lane} lane @param {{publication: import("./lane.js").Publication, delay: number}} delivery */
  #take(lane, { publication, delay: late }) {
    const { event, from, offset } = publication;
    // An offset says nothing without its epoch.
    const position = `${lane.feed?.position?.split(".")[0]}.${offset}`;
    if (event === "tick") return;
    if (event === "typing") return void this.#typists.set(from ?? "somebody", performance.now() + TYPING);
    if (event === "join" || event === "leave") this.look();
    const line = this.#lines.get(position) ?? this.#line(publication, position);
    if (line.lanes.has(lane.id)) return;
    line.lanes.add(lane.id);
    const text = Number.isFinite(late) ? delay(late, lane.clock.bound) : "arrived";
    line.times.append(make("li", { title: lane.transport.title }, mark(lane.transport), make("span", { class: "hidden" }, lane.transport.title), text));
    this.#typists.delete(from ?? "somebody");
  }

  /** @param {import("./lane.js").Publication} publication @param {string} position */
  #line({ event, from, to, data }, position) {
    const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 40;
    const times = make("ul", { class: "times", "aria-label": "arrived", "aria-live": "off" });
    const said = event === "message" && typeof data?.text === "string" ? data.text : "";
    const words = said || (event === "join" ? "came" : event === "leave" ? "left" : `${event} ${JSON.stringify(data)}`);
    const who = make("b", {}, from ?? "somebody");
    const row = make("li", { class: said ? "" : "quiet" }, make("p", {}, who, to ? make("em", {}, " (private)") : "", " ", words), times);
    this.log.append(row);
    const line = { times, lanes: new Set() };
    this.#lines.set(position, line);
    while (this.log.childElementCount > LINES) {
      this.log.firstElementChild?.remove();
      this.#lines.delete([...this.#lines.keys()][0]);
    }
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    return line;
  }

  /** Asks who is there. */
  async look() {
    if (!this.room) return;
    const answer = await fetch(`/v1/chat/${this.room}/presence`).catch(() => undefined);
    if (!answer?.ok) return;
    /** @type {{members: {name: string, session: string, transport: string}[], anonymous: number}} */
    const { members, anonymous } = await answer.json();
    const catalog = this.lanes[0].catalog;
    /** @type {Map<string, {name: string, lanes: string[]}>} */
    const people = new Map();
    for (const { name, session, transport } of members) {
      const person = people.get(session) ?? { name, lanes: [] };
      person.lanes.push(transport);
      people.set(session, person);
    }
    const text = JSON.stringify([[...people], anonymous, this.me.session]);
    if (text === this.here.dataset.is) return;
    this.here.dataset.is = text;
    const rows = [...people].map(([session, { name, lanes }]) => {
      const marks = lanes.flatMap((id) => catalog.get(id) ?? []).map((transport) => make("span", { title: transport.title }, mark(transport), make("span", { class: "hidden" }, transport.title)));
      return make("li", {}, session === this.me.session ? `${name} (you)` : name, " ", ...marks);
    });
    if (anonymous) rows.push(make("li", {}, `${anonymous} without a name`));
    this.here.replaceChildren(...rows);
    this.#offer([...people].filter(([session]) => session !== this.me.session));
  }

  /** @param {[string, {name: string}][]} others */
  #offer(others) {
    const chosen = this.to.value;
    const fixed = [new Option("to everybody", ""), new Option("to everybody but me", "others")];
    this.to.replaceChildren(...fixed, ...others.map(([session, { name }]) => new Option(`to ${name} alone`, session)), new Option("to myself alone", this.me.session));
    this.to.value = [...this.to.options].some(({ value }) => value === chosen) ? chosen : "";
  }

  /** Says who is typing, and what can be chosen to speak over. */
  draw() {
    this.lanes.forEach(({ transport }, at) => write(this.over.options[at], transport.title));
    const now = performance.now();
    for (const [name, until] of this.#typists) if (until < now) this.#typists.delete(name);
    const names = [...this.#typists.keys()];
    write(this.typing, names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing …` : "");
  }
}
