// @ts-check
/**
 * The client of a feed: connects with the best transport that works, keeps the position, falls back and comes back without losing or
 * repeating a publication, and keeps what is published meanwhile. docs/FEED_JS.md says what holds and why.
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} State
 * @typedef {{
 *   namespace: string, room: string,
 *   origin?: string | ((transport: string) => string),
 *   after?: string,
 *   transports?: string[],
 *   lane?: Record<string, object>,
 *   connectTimeout?: number, upgradeAfter?: number, backoffBase?: number, backoffCap?: number, bufferLimit?: number,
 * }} Options  times in milliseconds
 *
 * @typedef {{offset: number, event: string, from: string | null, to?: string, at_us: number, data: any}} Publication
 * @typedef {{
 *   publication: {publication: Publication, text: string, at: number, transport: string},
 *   state: {state: State, transport: string | null, position: string | null, reason?: string, retryIn?: number, by?: string},
 *   gap: {from: number | null, to: number | null, missed: number | null, reason: "trimmed" | "slow" | "epoch", position: string, transport: string},
 *   duplicate: {offset: number, transport: string},
 *   switch: {from: string | null, to: string, why: "asked" | "fallback" | "upgrade"},
 *   end: {code: number, reason: string, reconnect: boolean, retry_after_ms: number},
 *   waiting: {publishes: number},
 *   error: {status: number, detail: string},
 * }} Events  the details, by the events' names
 * @typedef {{addEventListener<K extends keyof Events>(kind: K, act: (event: CustomEvent<Events[K]>) => void, options?: AddEventListenerOptions): void}} Telling
 *
 * @typedef {import("./feed-half.js").On} On
 * @typedef {import("./feed-half.js").Carrier} Carrier
 * @typedef {{item: any, text: string, at: number, transport: string, position: string, bytes: number}} Arrival
 *   The position after it. The bytes are counted of what is held.
 */
import { Refusal, Unspoken, half, preferred, retire } from "./feed-half.js";
import { Outbox } from "./feed-outbox.js";

export { Refusal };

/** Items that a paused feed keeps. Beyond them it lets go of the connection, and the server's ring keeps what follows. */
const HELD_LIMIT = 10_000;

/** Bytes of them: as many as a page may have without being noticed. */
const HELD_BYTES = 16 * 1024 * 1024;

/** Full jitter: everybody waits another time, so that a server that comes back is not asked by all at once. @param {number} failures @param {number} base @param {number} cap */
export const backoff = (failures, base, cap, random = Math.random()) => random * Math.min(cap, base * 2 ** failures);

/** @param {string | null} position @returns {[string, number]} */
function parts(position) {
  const dot = position?.lastIndexOf(".") ?? -1;
  return position === null || dot < 0 ? ["", 0] : [position.slice(0, dot), Number(position.slice(dot + 1))];
}

/** Of two reasons not to connect the one that counts: what the server said, before what the network did. @param {unknown} error */
const weight = (error) => (error instanceof Unspoken ? 0 : error instanceof Refusal ? 2 : 1);

/** @param {unknown} error */
const reason = (error) => (error instanceof Error ? error.message : String(error));

/** An announced end as streams tell it, out of a refusal. @param {Refusal} refusal */
const close = ({ code = 0, detail, retryAfter, isFinal }) => ({ code, reason: detail, reconnect: !isFinal, retry_after_ms: retryAfter });

/** One subscription, whatever carries it. */
export class Feed extends EventTarget {
  /** @type {State} */
  state = "connecting";
  /** The transport that carries it now, or did last. @type {string | null} */
  transport = null;
  /** Where it is: everything up to here was told. @type {string | null} */
  position = null;
  /** As whom the server knows it; known from streams alone. @type {string | null} */
  session = null;
  paused = false;

  #options;
  /** The only one that delivers. @type {Carrier | undefined} */
  #carrier;
  /** How far its deliveries reach: ahead of `position` by what is held. @type {string | null} */
  #reached = null;
  /** Of what is being opened, only the newest counts. */
  #turn = 0;
  /** Gives up what is being opened. @type {Set<() => void>} */
  #opening = new Set();
  #failures = 0;
  /** When it was last connected. */
  #since = Infinity;
  #outbox;
  /** What waits for `resume`. @type {Arrival[]} */
  #held = [];
  #heldBytes = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #upgrade;
  #gone = new AbortController();

  /** @param {Options} options */
  constructor({
    // None: as the server's list has them.
    transports = [],
    lane = {},
    // Longer than a TCP connection takes that lost its first two packets (1 s + 2 s), and a person's patience.
    connectTimeout = 5_000,
    // A network that changes does so in minutes; a try costs a request.
    upgradeAfter = 30_000,
    // The first retry is soon, for most cuts are short; the longest is what a returning user still waits for.
    backoffBase = 250,
    backoffCap = 30_000,
    // What the server's ring holds by default.
    bufferLimit = 1_000,
    ...where
  }) {
    super();
    this.#options = { ...where, transports, lane: { ...lane }, connectTimeout, upgradeAfter, backoffBase, backoffCap };
    this.#outbox = new Outbox(bufferLimit, (publishes) => this.#tell("waiting", { publishes }));
    const { signal } = this.#gone;
    const sooner = () => void (this.#retry !== undefined && this.#connect());
    globalThis.addEventListener?.("online", sooner, { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || sooner(), { signal });
    this.#connect();
  }

  /** Publishes without an answer yet. */
  get waiting() {
    return this.#outbox.size;
  }

  /** What waits for `resume`; the bytes are those of the items' texts. */
  get held() {
    return { items: this.#held.length, bytes: this.#heldBytes };
  }

  /**
   * Publishes over the transport's own uplink, one after the other; kept in order while there is none.
   *
   * @param {string} event @param {unknown} data @param {{to?: string, echo?: boolean, key?: string}} [more]
   * @returns {Promise<string>} the position
   */
  async publish(event, data, { to, echo, key = crypto.getRandomValues(new Uint32Array(4)).join("-") } = {}) {
    if (this.state === "closed") throw new Error("the feed is closed");
    const answered = this.#outbox.add({ event, data: data ?? null, to, echo, key });
    this.#flush();
    return answered;
  }

  /** Goes over to another transport with the position kept: it is opened first, then the old one is closed. It is the best from now on. @param {string} id */
  async use(id) {
    const from = this.transport;
    await this.#replace(id);
    await this.#order();
    this.#options.transports = [id, ...this.#options.transports.filter((other) => other !== id)];
    this.#hope();
    if (from !== id) this.#tell("switch", { from, to: id, why: "asked" });
  }

  /** Changes what a transport is opened with; it is opened anew when it is the one in use. @param {string} id @param {object} lane */
  async configure(id, lane) {
    this.#options.lane[id] = { ...this.#options.lane[id], ...lane };
    if (this.transport === id && this.state === "open") await this.#replace(id);
  }

  /** Takes nothing more. A poll is not asked; what a stream brings, which a browser reads all the same, is held. */
  pause() {
    if (this.paused || this.state === "closed") return;
    this.paused = true;
    this.#carrier?.link.pause?.();
  }

  /** Tells of what was held, in order, and goes on. */
  resume() {
    if (!this.paused) return;
    this.paused = false;
    // Whoever is told may pause again, or close.
    for (let next; !this.paused && (next = this.#held.shift()); ) {
      this.#heldBytes -= next.bytes;
      this.#hand(next);
    }
    if (this.paused || this.state === "closed") return;
    this.#carrier?.link.resume?.();
    if (this.state === "waiting" && this.#retry === undefined) this.#connect();
  }

  /** Lets go of the connection and connects at once. */
  reconnect() {
    if (this.state !== "closed") this.#connect();
  }

  /** For good. What was published and not answered fails. */
  close() {
    this.#end("closed by the page");
  }

  /** @template {keyof Events} K @param {K} name @param {Events[K]} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {State} state @param {{reason?: string, retryIn?: number, by?: string}} [more] */
  #set(state, more = {}) {
    this.state = state;
    this.#tell("state", { state, transport: this.transport, position: this.position, ...more });
  }

  /** @param {string} why */
  #end(why) {
    if (this.state === "closed") return;
    this.#drop();
    this.#gone.abort();
    this.#held = [];
    this.#heldBytes = 0;
    this.#outbox.fail(new Error(`the feed is closed: ${why}`));
    this.#set("closed", { reason: why });
  }

  /** Opens nothing more; what carries it now goes on. */
  #giveUp() {
    this.#turn++;
    for (const giveUp of this.#opening) giveUp();
    clearTimeout(this.#upgrade);
  }

  /** Lets go of whatever is under way. */
  #drop() {
    this.#giveUp();
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const carrier = this.#carrier;
    this.#carrier = undefined;
    if (carrier) retire(carrier);
  }

  /** Who named no transports takes those that the server names. */
  async #order() {
    if (this.#options.transports.length === 0) this.#options.transports = await preferred();
  }

  /** Tries one transport after the other, the one that worked last first. */
  async #connect() {
    this.#drop();
    const turn = this.#turn;
    this.#set("connecting");
    try {
      await this.#order();
    } catch (error) {
      if (turn === this.#turn) this.#lost(error);
      return;
    }
    if (turn !== this.#turn) return;
    const { transports } = this.#options;
    const last = this.transport ?? transports[0];
    /** @type {unknown} */
    let failure;
    for (const id of new Set([last, ...transports])) {
      try {
        await this.#open(id, turn);
        const why = transports.indexOf(id) < transports.indexOf(last) ? "upgrade" : "fallback";
        if (id !== last) this.#tell("switch", { from: last, to: id, why });
        return;
      } catch (error) {
        if (turn !== this.#turn) return;
        if (failure === undefined || weight(error) >= weight(failure)) failure = error;
        // Who is sent away is sent away on every transport.
        if (error instanceof Refusal && error.code) break;
      }
    }
    this.#lost(failure);
  }

  /** @param {unknown} error */
  #lost(error) {
    if (error instanceof Refusal && error.isFinal) return this.#end(reason(error));
    this.#drop();
    const { backoffBase, backoffCap } = this.#options;
    // Whoever lets everybody in and throws them out at once is not asked all the time.
    if (performance.now() - this.#since > backoff(this.#failures, backoffBase, backoffCap, 1)) this.#failures = 0;
    this.#since = Infinity;
    const retryIn = (error instanceof Refusal ? error.retryAfter : 0) + backoff(this.#failures++, backoffBase, backoffCap);
    this.#retry = setTimeout(() => this.#connect(), retryIn);
    this.#set("waiting", { reason: reason(error), retryIn, by: "feed" });
  }

  /** Opens another link beside the one there is, which goes on when that fails. @param {string} id */
  async #replace(id) {
    if (this.state === "closed") throw new Error("the feed is closed");
    if (this.state === "open") {
      this.#giveUp();
    } else {
      this.#drop();
      this.#set("connecting");
    }
    const turn = this.#turn;
    try {
      await this.#open(id, turn);
    } catch (error) {
      if (turn === this.#turn) this.#stay(error);
      throw error;
    }
  }

  /** No other link came up; the one there was may be over by now. @param {unknown} error */
  #stay(error) {
    if (this.state === "open") this.#hope();
    // That this one is refused says nothing of the others, unless all are sent away.
    else this.#lost(error instanceof Refusal && error.code ? error : new Error(reason(error)));
  }

  /**
   * Opens a link; when it is ready it is the one that carries.
   *
   * @param {string} id @param {number} turn
   */
  async #open(id, turn) {
    if (turn !== this.#turn) throw new Error("given up");
    const { connectTimeout } = this.#options;
    const ready = /** @type {PromiseWithResolvers<void>} */ (Promise.withResolvers());
    const late = setTimeout(() => ready.reject(new Error(`${id} did not answer in ${connectTimeout} ms`)), connectTimeout);
    const giveUp = () => ready.reject(new Error("given up"));
    this.#opening.add(giveUp);
    /** @type {Carrier | undefined} */
    let carrier;
    try {
      const module = await Promise.race([half(id), ready.promise]);
      if (module) carrier = this.#subscribe(id, turn, module, ready);
      await ready.promise;
    } catch (error) {
      if (carrier && !carrier.isOver) retire(carrier);
      throw error;
    } finally {
      clearTimeout(late);
      this.#opening.delete(giveUp);
    }
  }

  /**
   * @param {string} id @param {number} turn @param {import("./feed-half.js").Half} module @param {PromiseWithResolvers<void>} ready
   * @returns {Carrier}
   */
  #subscribe(id, turn, module, ready) {
    const { namespace, room, origin = globalThis.location.origin, lane } = this.#options;
    /** @type {Refusal | undefined} */
    let announced;
    const isMine = () => this.#carrier === carrier;
    /** @param {string} position */
    const take = (position) => {
      announced = undefined;
      if (isMine()) return void (this.state === "waiting" && this.#adopt(carrier));
      if (turn !== this.#turn) return;
      if (this.#reached === null) this.position = this.#reached = position;
      ready.resolve();
      this.#adopt(carrier);
    };
    /** @param {Error} error */
    const end = (error) => {
      if (carrier.isOver) return;
      const why = announced ?? error;
      if (!announced && why instanceof Refusal && why.code) this.#tell("end", close(why));
      const wasMine = isMine();
      retire(carrier);
      ready.reject(why);
      if (wasMine) this.#fell(why);
    };
    /** @type {On} */
    const on = {
      ready: (position) => carrier.isOver || take(position),
      item: (text, at) => {
        if (carrier.isOver) return;
        const item = JSON.parse(text);
        if (item.hello) {
          this.session = item.hello.session;
          take(item.hello.position);
        } else if (item.close) {
          announced = new Refusal(503, item.close.reason, item.close.retry_after_ms, item.close.code);
          this.#tell("end", item.close);
          // Whoever comes back by itself is not to.
          if (!item.close.reconnect) end(announced);
        } else if (isMine()) {
          this.#receive(item, text, at, id);
        }
      },
      position: (position) => isMine() && this.#move(position),
      away: ({ reason: why, retryIn, by }) => {
        if (carrier.isOver) return;
        if (!isMine()) return end(new Error(why));
        this.#retry ??= setTimeout(() => this.#lost(new Error(`${by} did not come back`)), retryIn + this.#options.connectTimeout);
        this.#set("waiting", { reason: why, retryIn, by });
      },
      end,
    };
    const where = {
      ...lane[id], namespace, room,
      origin: typeof origin === "function" ? origin(id) : origin,
      after: this.#reached ?? this.#options.after,
    };
    /** @type {Carrier} */
    const carrier = { id, link: module.open(where, on), isOver: false, isSending: false };
    return carrier;
  }

  /** What carried it is over; another that is being opened may take its place. @param {Error} error */
  #fell(error) {
    if (this.#opening.size === 0 || (error instanceof Refusal && error.code)) return this.#lost(error);
    this.#carrier = undefined;
    this.#set("connecting", { reason: reason(error) });
  }

  /** @param {Carrier} carrier */
  #adopt(carrier) {
    const old = this.#carrier;
    this.#carrier = carrier;
    if (old && old !== carrier) retire(old);
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#since = performance.now();
    this.transport = carrier.id;
    if (this.paused) carrier.link.pause?.();
    this.#hope();
    this.#set("open");
    this.#flush();
  }

  /** Tries the better transports after a while. */
  #hope() {
    clearTimeout(this.#upgrade);
    const { transports, upgradeAfter } = this.#options;
    const better = transports.slice(0, Math.max(0, transports.indexOf(this.transport ?? "")));
    if (better.length > 0) this.#upgrade = setTimeout(() => this.#improve(better), upgradeAfter);
  }

  /** @param {string[]} better */
  async #improve(better) {
    const [from, turn] = [this.transport, this.#turn];
    /** @type {unknown} */
    let failure;
    for (const id of better) {
      try {
        await this.#open(id, turn);
        return this.#tell("switch", { from, to: id, why: "upgrade" });
      } catch (error) {
        if (turn !== this.#turn) return;
        failure = error;
      }
    }
    this.#stay(failure);
  }

  /** Puts an item in its place, once. @param {any} item @param {string} text @param {number} at @param {string} transport */
  #receive(item, text, at, transport) {
    const [epoch, offset] = parts(this.#reached);
    if ("offset" in item) {
      if (item.offset <= offset) return this.#tell("duplicate", { offset: item.offset, transport });
      this.#reached = `${epoch}.${item.offset}`;
    } else if (item.gap) {
      const [newEpoch, newOffset] = parts(item.gap.position);
      if (epoch === newEpoch && newOffset <= offset) return;
      // Some of what this link missed came over the one before.
      if (epoch === newEpoch && item.gap.from <= offset) item.gap = { ...item.gap, from: offset + 1, missed: newOffset - offset };
      this.#reached = item.gap.position;
    }
    const arrival = { item, text, at, transport, position: this.#reached ?? "", bytes: 0 };
    if (!this.paused) return this.#hand(arrival);
    arrival.bytes = new TextEncoder().encode(text).length;
    this.#held.push(arrival);
    this.#heldBytes += arrival.bytes;
    if (this.#held.length < HELD_LIMIT && this.#heldBytes < HELD_BYTES) return;
    this.#drop();
    this.#set("waiting", { reason: `${this.#held.length} items are held; the rest waits with the server`, by: "feed" });
  }

  /** @param {Arrival} arrival */
  #hand({ item, text, at, transport, position }) {
    this.position = position;
    if ("offset" in item) this.#tell("publication", { publication: item, text, at, transport });
    else if (item.gap) this.#tell("gap", { ...item.gap, transport });
    else if (item.error) this.#tell("error", item.error);
  }

  /** Moves on over what is for others; to another epoch only a gap leads. @param {string} position */
  #move(position) {
    const [[epoch, offset], [newEpoch, newOffset]] = [parts(this.#reached), parts(position)];
    if (epoch !== newEpoch || newOffset <= offset) return;
    this.#reached = position;
    if (this.#held.length === 0) this.position = position;
  }

  #flush() {
    const carrier = this.#carrier;
    if (carrier) this.#outbox.send(carrier, () => this.state === "open" && this.#carrier === carrier, (error) => this.#lost(error));
  }
}

/** Subscribes. @param {Options} options */
export const connect = (options) => /** @type {Telling & Feed} */ (new Feed(options));
