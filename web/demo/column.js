// @ts-check
/** A lane as a column: its numbers, its bytes, its controls, what came last. */
import { make, mark, paint, write } from "./dom.js";
import { delay, number, plural, size, whole } from "./format.js";
import { CATEGORIES, stream } from "./ledger.js";
import { quantile } from "./samples.js";

/** Points of a sparkline. */
const POINTS = 60;

/** Characters of an item that a column has room for, and more. */
const SEEN = 200;

/** @typedef {{title: string, p50: number | undefined, bytes: number | undefined}} Seen */

/** @param {string} label @param {string} kind */
function figure(label, kind) {
  const value = make("dd", { class: kind }, "–");
  return { row: make("div", {}, make("dt", {}, label), value), value };
}

export class Column {
  /** @param {import("./lane.js").Lane} lane @param {(lane: import("./lane.js").Lane) => void} cut */
  constructor(lane, cut) {
    this.lane = lane;
    this.drawn = -1;
    this.figures = {
      p50: figure("half within", "big"),
      p95: figure("95 % within", ""),
      last: figure("last", ""),
      bytes: figure("a message", "big"),
      down: figure("down", ""),
      up: figure("up", ""),
      below: figure("and TCP/IP", ""),
      requests: figure("requests", ""),
      messages: figure("messages", ""),
      gaps: figure("gaps", ""),
      duplicates: figure("came twice", ""),
    };
    const { figures } = this;
    this.mark = make("span");
    this.title = make("h2", { id: `title-${lane.id}` });
    this.state = make("span", { class: "state" });
    this.spark = make("canvas", { class: "spark", width: 240, height: 32, "aria-hidden": "true" });
    this.bar = make("div", { class: "bar", "aria-hidden": "true" });
    this.cells = CATEGORIES.map(([id, title, meaning]) => {
      const [down, up] = [make("td", {}, "–"), make("td", {}, "–")];
      return { id, down, up, row: make("tr", {}, make("th", { scope: "row", title: meaning, class: `k-${id}` }, title), down, up) };
    });
    this.said = make("p", { class: "said" });
    this.list = make("ol", { class: "items", "aria-label": `what came last over this lane` });
    this.picker = make("select", { "aria-label": "transport of this lane", change: () => this.#use() });
    for (const { id, title } of lane.catalog.values()) this.picker.append(new Option(title, id));
    this.stop = make("button", { type: "button", "aria-pressed": "false", click: () => lane.stop(!lane.feed?.paused) }, "stop reading");
    this.cut = make("button", { type: "button", click: () => cut(lane) }, "cut");
    this.option = make("select", { change: () => lane.choose(Number(this.option.value)) });
    this.optionLabel = make("label", { class: "option" });
    const heading = make("tr", {}, make("th", { scope: "col" }, "bytes a message"), make("th", { scope: "col" }, "down"), make("th", { scope: "col" }, "up"));
    const table = make("table", {}, make("thead", {}, heading), make("tbody", {}, ...this.cells.map(({ row }) => row)));
    this.root = make(
      "section", { class: "lane", "aria-labelledby": this.title.id, "data-lane": lane.id },
      make("header", {}, this.mark, this.title, this.state),
      make("dl", { class: "figures time" }, figures.p50.row, figures.p95.row, figures.last.row),
      this.spark,
      make("dl", { class: "figures bytes" }, figures.bytes.row, figures.down.row, figures.up.row, figures.below.row),
      this.bar,
      make("details", {}, make("summary", {}, "what the bytes were for"), table),
      make("dl", { class: "figures rest" }, figures.requests.row, figures.messages.row, figures.gaps.row, figures.duplicates.row),
      make("div", { class: "controls" }, this.picker, this.optionLabel, this.stop, this.cut),
      this.said,
      this.list,
    );
    this.rows = Array.from({ length: 8 }, () => make("li"));
    this.list.append(...this.rows);
    this.#dress();
  }

  /** What depends on the transport that the lane has now. */
  #dress() {
    const { transport } = this.lane;
    this.shown = transport.id;
    paint(this.root, transport.colour);
    this.mark.replaceChildren(mark(transport));
    write(this.title, transport.title);
    this.picker.value = transport.id;
    const { option } = transport;
    this.optionLabel.hidden = !option;
    if (!option) return;
    const chosen = this.lane.chosen(transport);
    this.option.replaceChildren(...option.choices.map((ms) => new Option(ms < 1000 ? `${ms} ms` : `${ms / 1000} s`, String(ms), false, ms === chosen)));
    this.optionLabel.replaceChildren(option.label, " ", this.option);
  }

  async #use() {
    await this.lane.use(this.picker.value);
    this.picker.value = this.lane.transport.id;
  }

  /**
   * Writes what has changed.
   *
   * @param {number} now  in milliseconds since 1970 @param {import("./ledger.js").Span | undefined} span @param {string} uncounted  why there is none
   * @param {boolean} isAlone  on its port: connections that lanes share have headers of all of them
   * @returns {Seen}
   */
  draw(now, span, uncounted, isAlone) {
    const { lane, figures } = this;
    if (this.shown !== lane.transport.id) this.#dress();
    const chosen = String(lane.chosen(lane.transport) ?? "");
    if (this.option.value !== chosen) this.option.value = chosen;
    lane.samples.forget(now);
    const sorted = lane.samples.sorted(now);
    const [p50, p95] = [quantile(sorted, 0.5), quantile(sorted, 0.95)];
    const { bound } = lane.clock;
    write(figures.p50.value, delay(p50, bound));
    write(figures.p95.value, delay(p95, bound));
    write(figures.last.value, delay(lane.samples.last, bound));
    const bytes = this.#bytes(span, uncounted, isAlone);
    write(figures.messages.value, whole(lane.delivered));
    write(figures.gaps.value, lane.missed ? `${lane.gaps} (${plural(lane.missed, "message")})` : String(lane.gaps));
    write(figures.duplicates.value, String(lane.duplicates));
    this.#state();
    if (this.drawn !== lane.changes) {
      this.drawn = lane.changes;
      write(this.said, lane.said);
      lane.items.toReversed().forEach((item, at) => {
        write(this.rows[at], `${item.offset} ${item.text.slice(0, SEEN)}`);
        this.rows[at].classList.toggle("own", item.own);
      });
      for (const row of this.rows.slice(lane.items.length)) write(row, "");
    }
    this.#spark(now);
    return { title: lane.transport.title, p50, bytes };
  }

  #state() {
    const { state, retryIn, since, by } = this.lane.state;
    const left = Math.max(0, retryIn - (performance.now() - since));
    const { paused = false, held } = this.lane.feed ?? {};
    if (this.stop.getAttribute("aria-pressed") !== String(paused)) this.stop.setAttribute("aria-pressed", String(paused));
    write(this.stop, paused ? "read on" : "stop reading");
    const text = paused ? `stopped${held?.items ? `, ${held.items} wait` : ""}` : state === "waiting" ? `${by === "feed" ? "back in" : `${by}:`} ${(left / 1000).toFixed(1)} s` : state;
    write(this.state, text);
    this.state.dataset.state = paused ? "paused" : state;
  }

  /** @param {import("./ledger.js").Span | undefined} span @param {string} uncounted @param {boolean} isAlone @returns {number | undefined} */
  #bytes(span, uncounted, isAlone) {
    const { figures } = this;
    figures.bytes.value.title = uncounted;
    const messages = span?.deliveries ?? 0;
    const known = span && messages > 0;
    const [down, up] = known ? [stream(span.down) / messages, stream(span.up) / messages] : [undefined, undefined];
    const total = known ? Number(down) + Number(up) : undefined;
    write(figures.bytes.value, size(total));
    write(figures.down.value, size(down));
    write(figures.up.value, size(up));
    write(figures.below.value, known && isAlone ? `+ ${size(((span.down.tcp_ip ?? 0) + (span.up.tcp_ip ?? 0)) / messages)}` : "–");
    write(figures.requests.value, span && span.seconds > 0 ? `${whole((span.requests / span.seconds) * 60)} /min` : "–");
    // A picture and no boxes, which would push one another.
    let [until, stops] = [0, ""];
    for (const { id, down: downCell, up: upCell } of this.cells) {
      const [below, above] = known ? [Math.max(0, span.down[id]) / messages, Math.max(0, span.up[id]) / messages] : [0, 0];
      write(downCell, known ? number(below) : "–");
      write(upCell, known ? number(above) : "–");
      const from = until;
      until += total ? ((below + above) / total) * 100 : 0;
      stops += `, var(--c-${id}) ${from}% ${until}%`;
    }
    this.bar.style.backgroundImage = `linear-gradient(90deg${stops}, transparent ${until}%)`;
    return total;
  }

  /** @param {number} now */
  #spark(now) {
    const canvas = this.spark;
    const brush = canvas.getContext("2d");
    const points = this.lane.samples.slots(now, 500, POINTS);
    if (!brush) return;
    brush.clearRect(0, 0, canvas.width, canvas.height);
    const top = Math.max(1, ...points.map((point) => point ?? 0));
    brush.fillStyle = getComputedStyle(canvas).color;
    points.forEach((point, at) => {
      if (point === null) return;
      const height = Math.max(1, (Math.max(0, point) / top) * (canvas.height - 2));
      brush.fillRect((at * canvas.width) / POINTS, canvas.height - height, canvas.width / POINTS - 1, height);
    });
  }
}
