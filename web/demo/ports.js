// @ts-check
/** Which port each lane has, and what happens when all share one. */
import { onePort, ownPorts } from "./words.js";

/** Streams that are opened beside the lanes to show what further tabs do: with the lane of Server-Sent Events they take all six. */
const FURTHER = 5;

/** The page's own ports after the one that it came from, as origins. @returns {Promise<string[]>} */
export async function origins() {
  const answer = await fetch("/v1/ports").catch(() => undefined);
  /** @type {{ports: number[]}} */
  const { ports } = answer?.ok ? await answer.json() : { ports: [] };
  const here = Number(location.port);
  return ports.filter((port) => port !== here).map((port) => `${location.protocol}//${location.hostname}:${port}`);
}

export class Ports {
  /** @type {EventSource[]} */
  #further = [];
  shared = false;

  /** @param {import("./lane.js").Lane[]} lanes @param {(text: string) => void} say */
  constructor(lanes, say) {
    this.lanes = lanes;
    this.say = say;
    say(this.#own());
  }

  /** Whether the lane's bytes can be told from others: on the page's own port there are the publisher and the page's requests. @param {import("./lane.js").Lane} lane */
  isCounted(lane) {
    return lane.origin !== location.origin;
  }

  /** Whether all that comes to the lane's port is for it. @param {import("./lane.js").Lane} lane */
  isAlone(lane) {
    return this.isCounted(lane) && this.lanes.every((other) => other === lane || other.origin !== lane.origin);
  }

  #own() {
    return ownPorts(this.lanes.every((lane) => this.isAlone(lane)));
  }

  /** @param {boolean} shared  all on the first lane's port, with the streams of further tabs @param {string} room */
  share(shared, room) {
    this.shared = shared;
    this.enter(room);
    for (const lane of this.lanes) lane.move(shared ? this.lanes[0].home : lane.home);
    this.say(shared ? onePort(this.lanes[0].port, FURTHER) : this.#own());
  }

  /** The streams of further tabs are in the room where the lanes are. @param {string} room */
  enter(room) {
    for (const stream of this.#further.splice(0)) stream.close();
    if (!this.shared) return;
    const url = `${this.lanes[0].home}/v1/chat/${room}/sse`;
    this.#further = Array.from({ length: FURTHER }, () => new EventSource(url, { withCredentials: true }));
  }
}
