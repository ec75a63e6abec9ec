// @ts-check
/** One lane: its subscription, what came over it, and what happened to it in words. Draws nothing. */
import { connect } from "/feed.js";
import { absolute } from "./clock.js";
import { Samples } from "./samples.js";
import * as words from "./words.js";

/** Items kept to be shown. */
const SHOWN = 8;

/** When a lane delivers so long after it was cut, and nothing was seen of the cut, it noticed nothing. In milliseconds. */
const UNNOTICED = 500;

/**
 * @typedef {{name: string, label: string, choices: number[], preset: number, meaning: string}} Choice  what people may choose, in milliseconds
 * @typedef {{id: string, title: string, colour: {light: string, dark: string}, mark: string, module: string, option?: Choice}} Transport
 * @typedef {{offset: number, event: string, from: string | null, to?: string, at_us: number, data: any}} Publication
 * @typedef {{at: number, position: string | null}} Trouble  since when there is no connection, and where the lane was
 */

export class Lane extends EventTarget {
  samples = new Samples();
  /** The newest last. @type {{offset: number, text: string, own: boolean}[]} */
  items = [];
  delivered = 0;
  gaps = 0;
  missed = 0;
  duplicates = 0;
  /** Delays that were not taken because the page was in the background. */
  unseen = 0;
  /** What happened last, and why. */
  said = words.NOTHING;
  /** As of when the server's counts are this transport's. */
  since = 0;
  /** Counts the changes of what is shown. */
  changes = 0;
  room = "";
  /** What was chosen of a transport's option, by its id. @type {Map<string, number>} */
  #chosen = new Map();
  state = { state: "connecting", reason: "", retryIn: 0, by: "", since: 0 };
  /** @type {import("/feed.js").Feed | undefined} */
  feed;
  /** When something came last, in milliseconds since 1970. */
  #arrived = absolute(performance.now());
  /** Where it was when it left the room. @type {string | undefined} */
  #left;
  /** What is not over yet. @type {Trouble | undefined} */
  #trouble;
  /** When the server cut it: infinite while it is asked to, undefined once that was noticed. @type {number | undefined} */
  #cutAt;
  #isStarving = false;

  /**
   * @param {Transport} transport @param {string} home  where its own port is
   * @param {import("./clock.js").Clock} clock @param {Map<string, Transport>} catalog
   */
  constructor(transport, home, clock, catalog) {
    super();
    this.id = transport.id;
    this.transport = transport;
    this.home = this.origin = home;
    this.clock = clock;
    this.catalog = catalog;
  }

  get port() {
    return Number(new URL(this.origin).port || (this.origin.startsWith("https") ? 443 : 80));
  }

  /** Subscribes anew, from the last position when the room is the same. @param {string} room */
  open(room) {
    this.close();
    if (this.room !== room) this.forget();
    this.room = room;
    this.since = performance.now();
    this.#trouble = this.#cutAt = undefined;
    const feed = connect({
      namespace: "chat", room, after: this.#left, transports: [this.transport.id],
      origin: () => this.origin,
      lane: Object.fromEntries([...this.catalog.values()].map((transport) => [transport.id, this.#options(transport)])),
    });
    this.feed = feed;
    /** @param {string} name @param {(detail: any) => void} take */
    const on = (name, take) => feed.addEventListener(name, (event) => this.feed === feed && take(/** @type {CustomEvent} */ (event).detail));
    on("publication", (detail) => this.#take(detail));
    on("state", (detail) => this.#turn(detail));
    on("gap", (gap) => this.#lose(gap));
    on("end", (end) => this.say(words.ended(end)));
    on("duplicate", () => this.duplicates++);
    on("switch", ({ from, to, why }) => why !== "asked" && this.say(words.replaced(this.#called(from), this.#called(to), why)));
  }

  /** Leaves the room, and notes where it was. */
  close() {
    const { feed } = this;
    this.feed = undefined;
    this.#left = feed?.position ?? this.#left;
    feed?.close();
  }

  /** What was counted is of something else. */
  forget() {
    this.#left = undefined;
    this.samples.clear();
    this.items = [];
    this.delivered = this.gaps = this.missed = this.duplicates = this.unseen = 0;
    this.changes++;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.said = sentence;
    this.changes++;
  }

  /** From here on other delays and bytes count. */
  #restart() {
    this.samples.clear();
    this.since = performance.now();
  }

  /** @param {string} id */
  #called(id) {
    return /** @type {Transport} */ (this.catalog.get(id));
  }

  /** @param {{publication: Publication, text: string, at: number}} delivery */
  #take({ publication, text, at }) {
    const arrived = absolute(at);
    const delay = this.clock.delay(publication.at_us / 1000, arrived);
    this.#arrived = arrived;
    this.delivered++;
    if (this.state.state === "open" && this.#cutAt !== undefined && at - this.#cutAt > UNNOTICED) {
      this.#cutAt = undefined;
      this.say(words.unnoticed(this.transport));
    }
    if (this.#isStarving) {
      this.#isStarving = false;
      this.say(words.fed(this.transport));
    }
    if (document.hidden) this.unseen++;
    else if (this.clock.bound < Infinity) this.samples.add(arrived, delay);
    this.items.push({ offset: publication.offset, text: shown(publication), own: publication.event !== "tick" });
    if (this.items.length > SHOWN) this.items.shift();
    this.changes++;
    this.dispatchEvent(new CustomEvent("delivery", { detail: { publication, text, delay } }));
  }

  /** @param {{state: string, transport: string | null, position: string | null, reason?: string, retryIn?: number, by?: string}} now */
  #turn({ state, transport, position, reason = "", retryIn, by = "" }) {
    const at = performance.now();
    this.state = { state, reason, retryIn: retryIn ?? 0, by, since: at };
    this.changes++;
    if (state !== "open") this.#cutAt = undefined;
    if (state === "open" && transport && transport !== this.transport.id) {
      this.transport = this.#called(transport);
      this.#restart();
    }
    if (state === "open" && this.#trouble) {
      this.say(words.back(this.transport, at - this.#trouble.at, this.#trouble.position, position ?? ""));
      this.#trouble = undefined;
    } else if (state === "waiting") {
      this.#trouble ??= { at, position };
      // Why it starves says more.
      if (!this.#isStarving) this.say(retryIn === undefined ? words.full(this.transport, reason) : words.gone(this.transport, reason, retryIn, by));
    } else if (state === "closed" && reason) {
      this.say(words.closed(this.transport, reason));
    }
  }

  /** @param {{from: number | null, to: number | null, missed: number | null, reason: string}} gap */
  #lose(gap) {
    this.gaps++;
    this.missed += gap.missed ?? 0;
    this.say(words.gap(gap));
    if (gap.reason === "epoch") this.dispatchEvent(new Event("epoch"));
  }

  /** For how long nothing has come, in milliseconds. @param {number} now  in milliseconds since 1970 */
  silence(now) {
    return now - this.#arrived;
  }

  /** Nothing comes because its requests find no connection. */
  starve() {
    if (this.#isStarving || this.feed?.paused || this.state.state === "closed") return;
    this.#isStarving = true;
    this.say(words.starves(this.transport));
  }

  /** Connects anew, to another port. @param {string} origin */
  move(origin) {
    this.origin = origin;
    this.#isStarving = false;
    this.#cutAt = undefined;
    this.#restart();
    this.say(words.moved(this.transport, this.port));
    this.feed?.reconnect();
  }

  /** The server is asked to cut its connections. */
  askCut() {
    this.#cutAt = Infinity;
  }

  /** What the server did. @param {string} [refused]  why not */
  cut(refused) {
    if (refused) this.say(words.uncut(this.transport, refused));
    else if (this.#cutAt !== undefined) this.say(words.cut(this.transport));
    if (this.#cutAt !== undefined) this.#cutAt = refused ? undefined : performance.now();
  }

  /** @param {string} id  Another transport, from the position that this one has. */
  async use(id) {
    const [from, to] = [this.transport, this.catalog.get(id)];
    if (!to || !this.feed || to === from) return;
    const [at, duplicates, gaps] = [performance.now(), this.duplicates, this.gaps];
    this.say(words.switching(from, to));
    try {
      await this.feed.use(id);
    } catch (error) {
      return this.say(words.stayed(from, to, error instanceof Error ? error.message : String(error)));
    }
    // A gap that it began with has been told.
    if (this.gaps === gaps) this.say(words.switched(from, to, performance.now() - at, this.feed.position ?? "", this.duplicates - duplicates));
  }

  /** @param {boolean} stopped */
  stop(stopped) {
    if (!this.feed || this.state.state === "closed") return;
    const { items, bytes } = this.feed.held;
    if (stopped) this.feed.pause();
    else this.feed.resume();
    this.say(stopped ? words.stopped(this.transport) : words.resumed(this.transport, items, bytes));
  }

  /** @param {Transport} transport  What is chosen of its option. */
  chosen({ id, option }) {
    return this.#chosen.get(id) ?? option?.preset;
  }

  /** @param {Transport} transport */
  #options(transport) {
    return transport.option ? { [transport.option.name]: this.chosen(transport) } : {};
  }

  /** Chooses of the option that the transport has. @param {number} ms */
  choose(ms) {
    const { transport } = this;
    if (!transport.option) return;
    this.#chosen.set(transport.id, ms);
    this.feed?.configure(transport.id, this.#options(transport)).catch(() => {});
    this.#restart();
    this.say(words.chosen(transport.option, ms));
  }
}

/** What of a publication is shown in a line. @param {Publication} publication */
export function shown({ event, from, to, data }) {
  const text = typeof data?.text === "string" ? data.text : JSON.stringify(data);
  if (event === "join" || event === "leave") return `${from} ${event === "join" ? "came" : "left"}`;
  if (event === "typing") return `${from} is typing`;
  return event === "tick" ? text : `${from ?? "somebody"}${to ? " (private)" : ""}: ${text}`;
}
