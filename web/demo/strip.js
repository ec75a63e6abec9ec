// @ts-check
/** The last minute of all lanes: how late what was published then came. */
import uPlot from "/vendor/uplot/uPlot.esm.js";
import { find, make, paint } from "./dom.js";
import { STRIP } from "./samples.js";

/** What of the time is one point, in milliseconds. */
const STEP = 250;
const COUNT = STRIP / STEP;

/** Marks apart without colour. */
const DASHES = { circle: [], square: [8, 3], triangle: [2, 3], diamond: [12, 3, 2, 3], cross: [5, 5], line: [] };

const HEIGHT = 240;

/** The lower end of the scale, in milliseconds: less is nothing to anybody, and a logarithm needs something. */
const LEAST = 0.1;

/** Seconds before now, the newest last. */
const TIMES = Array.from({ length: COUNT }, (_, at) => ((at + 1 - COUNT) * STEP) / 1000);

export class Strip {
  /** @type {uPlot | undefined} */
  #plot;
  /** What the present plot was made for. */
  #made = "";

  /** @param {HTMLElement} place @param {import("./lane.js").Lane[]} lanes */
  constructor(place, lanes) {
    this.place = place;
    this.lanes = lanes;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.key = find("key", HTMLUListElement);
  }

  /** @param {number} now  in milliseconds since 1970 */
  draw(now) {
    const width = this.place.clientWidth;
    const made = [width, this.dark.matches, ...this.lanes.map(({ transport }) => transport.id)].join();
    if (made !== this.#made) {
      this.#made = made;
      this.#plot?.destroy();
      this.key.replaceChildren(...this.lanes.map(({ transport }) => make("li", {}, line(transport), transport.title)));
      this.#plot = new uPlot(this.#options(width), [TIMES], this.place);
    }
    // Whole steps, so that a message stays in its slot from one drawing to the next.
    const end = Math.ceil(now / STEP) * STEP;
    this.#plot?.setData([TIMES, ...this.lanes.map(({ samples }) => positive(samples.slots(end, STEP, COUNT)))]);
  }

  /** @param {number} width @returns {uPlot.Options} */
  #options(width) {
    const style = getComputedStyle(this.place);
    const [ink, rule] = ["--quiet", "--rule"].map((name) => style.getPropertyValue(name));
    const axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 }, font: "12px system-ui, sans-serif" };
    const powers = [0.1, 1, 10, 100, 1_000, 10_000, 100_000];
    return {
      width,
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false, range: [-STRIP / 1000, 0] }, y: { distr: 3, range: (_, low, high) => [LEAST, Math.max(high ?? 1, 1_000)] } },
      axes: [
        { ...axis, splits: () => [-60, -50, -40, -30, -20, -10, 0], values: (_, seconds) => seconds.map((second) => (second === 0 ? "now" : `${second} s`)) },
        { ...axis, size: 64, splits: () => powers, values: (_, ticks) => ticks.map((ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)) },
      ],
      series: [
        {},
        ...this.lanes.map(({ transport }) => ({
          label: transport.title,
          stroke: this.dark.matches ? transport.colour.dark : transport.colour.light,
          dash: DASHES[/** @type {keyof typeof DASHES} */ (transport.mark)],
          width: 1.5,
          points: { show: true, size: 4 },
          spanGaps: true,
        })),
      ],
    };
  }
}

/** What is below the scale is drawn at its end. @param {(number | null)[]} delays */
const positive = (delays) => delays.map((delay) => (delay === null ? null : Math.max(delay, LEAST)));

/** How a lane's line looks. @param {import("./lane.js").Transport} transport */
function line({ mark, colour }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 52 16");
  svg.setAttribute("class", "mark sample");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M0 8h52");
  path.setAttribute("stroke-dasharray", DASHES[/** @type {keyof typeof DASHES} */ (mark)].join(" "));
  svg.append(path);
  paint(svg, colour);
  return svg;
}
