// @ts-check
/** What happened and why, a sentence or two each. Every number in them was measured on this page. */
import { delay, number, plural, size, time } from "./format.js";
import { SILENT } from "./samples.js";

/** @typedef {import("./lane.js").Transport} Transport */

/** Whether it asks, and is not sent. @param {Transport} transport */
const asks = ({ option }) => option !== undefined;

/** @param {Transport} transport */
export const cut = ({ title }) => `The server ended ${title}'s connections without a word, as a network does.`;

/** @param {Transport} transport @param {string} reason */
export const uncut = ({ title }, reason) => `${title} is not cut: ${reason}.`;

/** @param {Transport} transport @param {string} reason */
export const full = ({ title }, reason) => `${title} let go of its connection: ${reason}.`;

/** @param {Transport} transport @param {string} reason @param {number} retryIn @param {string} by */
export function gone({ title }, reason, retryIn, by) {
  const why = reason ? ` (${reason})` : "";
  if (by === "EventSource")
    return `${title} lost its connection${why}. EventSource itself asks again, ${time(retryIn)} later: a fixed time that the page cannot change, only the server, by a retry field.`;
  return `${title} lost its connection${why}; feed.js asks again in ${time(retryIn)}, a random time from a range that doubles with every failure, so that not everybody comes back at once.`;
}

/** @param {Transport} transport */
export const unnoticed = ({ title }) =>
  `The page noticed nothing of ${title}'s cut: no request was under way, or the browser itself sent it again, on a new connection.`;

/** @param {Transport} transport @param {string} reason */
export const closed = ({ title }, reason) => `${title} is closed and stays away: ${reason}. Loading this page again connects it.`;

/** A gap says otherwise, right after. @param {Transport} transport @param {number} took @param {string | null} before  its last position @param {string} position */
export const back = ({ title }, took, before, position) =>
  before === null
    ? `${title} came up after ${time(took)}, at ${position}: it had no position yet, so it begins with what is new.`
    : `${title} was back after ${time(took)} at ${position}: nothing was lost, because it gave its last position.`;

/** @param {{from: number | null, to: number | null, missed: number | null, reason: string}} gap */
export function gap({ from, to, missed, reason }) {
  if (reason === "epoch") return "The server began a new history (it was started anew, or had forgotten the room), so what this lane knew is worth nothing: it goes on with what is held now.";
  const why = reason === "slow" ? "this lane read too slowly" : "the server no longer holds them";
  return `A gap: ${plural(missed ?? 0, "message")}, ${from} to ${to}, will not come, because ${why}. It is told once, with its exact range.`;
}

/** @param {{reason: string, reconnect: boolean, retry_after_ms?: number}} end */
export const ended = ({ reason, reconnect, retry_after_ms = 0 }) =>
  `The server announced an end: ${reason}. ${reconnect ? `It may be asked again in ${time(retry_after_ms)}.` : "It does not want to be asked again."}`;

/** @param {Transport} from @param {Transport} to */
export const switching = (from, to) => `${to.title} is opened beside ${from.title} …`;

/** @param {Transport} from @param {Transport} to @param {number} took @param {string} position @param {number} duplicates */
export const switched = (from, to, took, position, duplicates) =>
  `${from.title} gave way to ${to.title} in ${time(took)} at ${position}: a position holds on every transport, so nothing was lost${duplicates ? `; ${plural(duplicates, "message")} came over both and was dropped once` : ""}.`;

/** @param {Transport} from @param {Transport} to @param {string} reason */
export const stayed = (from, to, reason) => `${to.title} did not come up (${reason}); the lane stays with ${from.title}.`;

/** @param {Transport} from @param {Transport} to @param {string} why */
export const replaced = (from, to, why) =>
  why === "fallback" ? `${from.title} did not come up, so feed.js fell back to ${to.title}, from the same position, and tries the other again later.` : `feed.js went back to ${to.title}, which works again.`;

/** @param {Transport} transport */
export const stopped = (transport) =>
  asks(transport)
    ? `${transport.title} asks no more: what comes stays in the server's ring, and costs nothing on the wire.`
    : `${transport.title} has no brake in a browser: it reads on, and what came waits in this page's memory.`;

/** @param {Transport} transport @param {number} items @param {number} bytes */
export const resumed = (transport, items, bytes) =>
  asks(transport)
    ? `${transport.title} asks again, from where it was; the next answers bring what came meanwhile.`
    : `${transport.title} goes on: ${plural(items, "message")}, ${size(bytes)} of text, had waited in the page.`;

/** @param {import("./lane.js").Choice} option @param {number} ms */
export const chosen = ({ label, meaning }, ms) => `It ${label} ${time(ms)} now. ${meaning}`;

/** @param {number} port @param {number} streams */
export const onePort = (port, streams) =>
  `All lanes are on port ${port}, and ${plural(streams, "more stream")} as of other tabs: a browser opens six HTTP/1.1 connections to a host and port, streams keep theirs, and every other request waits. WebSockets are not counted in.`;

/** @param {Transport} transport */
export const starves = ({ title }) => `${title} starves: its request waits in the browser for one of the six connections, and streams do not give theirs back.`;

/** @param {Transport} transport */
export const fed = ({ title }) => `${title} has found a connection, and brings something again.`;

/** @param {Transport} transport @param {number} port */
export const moved = ({ title }, port) => `${title} connects anew, to port ${port}, from its last position.`;

/** @param {boolean} own  whether each lane has one */
export const ownPorts = (own) =>
  own ? "Each lane has a port of its own, so that six connections to each are enough. To a browser that is another origin, so some 170 B of every answer to a poll are CORS headers." : "Lanes share a port, for this server listens on too few: a browser opens six HTTP/1.1 connections to each, for all lanes and tabs together.";

/** Why a lane's bytes are not known. */
export const MINGLED = "the lanes are on the page's own port, where its publisher is too; give --listen again for each lane";

/**
 * What the numbers of all lanes say.
 *
 * @param {{title: string, p50: number | undefined, bytes: number | undefined}[]} lanes @param {string[]} silent  the titles of others
 * @param {number} bound  of the clocks, in milliseconds
 */
export function verdict(lanes, silent, bound) {
  const timed = lanes.flatMap(({ title, p50 }) => (p50 === undefined ? [] : [{ title, value: p50 }]));
  const sized = lanes.flatMap(({ title, bytes }) => (bytes === undefined ? [] : [{ title, value: bytes }]));
  const nothing = silent.length > 0 ? `Nothing has come over ${list(silent)} for ${time(SILENT)} and more, while other lanes brought something.` : "";
  return [nothing, latest(timed, bound), dearest(sized)].filter(Boolean);
}

/** @typedef {{title: string, value: number}} Valued */

/** @param {Valued[]} lanes @param {number} bound */
function latest(lanes, bound) {
  if (lanes.length < 2) return "";
  const sorted = lanes.toSorted((one, next) => one.value - next.value);
  const last = sorted[sorted.length - 1];
  const first = sorted.filter(({ value }) => isClose(sorted[0].value, value, bound));
  if (first.includes(last)) return `No lane is clearly later than another: half of the messages take ${delay(last.value, bound)} or less on each.`;
  const least = sorted.find((one) => !first.includes(one) && isClose(one.value, last.value, bound)) ?? last;
  const late = sorted.slice(sorted.indexOf(least));
  return `${named(late, "latest")}: half of ${late.length > 1 ? "their" : "its"} messages take ${delay(least.value, bound)} or more. ${named(first, "first")}: ${delay(first[first.length - 1].value, bound)}.`;
}

/** @param {Valued[]} lanes @param {string} what */
const named = (lanes, what) => `${list(lanes.map(({ title }) => title))} ${lanes.length > 1 ? "are" : "is"} ${what}${lanes.length > 1 ? ", too close to tell apart" : ""}`;

/** Two delays differ when each can be wrong by the bound; a twentieth more is no difference to anybody either. @param {number} less @param {number} more @param {number} bound */
const isClose = (less, more, bound) => more - less <= Math.max(2 * bound, less / 20);

/** @param {Valued[]} lanes */
function dearest(lanes) {
  if (lanes.length < 2) return "";
  const sorted = lanes.toSorted((one, next) => one.value - next.value);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  if (isClose(least.value, most.value, 0)) return `No lane costs clearly more bytes than another: ${size(most.value)} a message or less on each.`;
  return `${most.title} costs most bytes: ${size(most.value)} a message, ${number(most.value / least.value)} times ${least.title} (${size(least.value)}).`;
}

/** @param {string[]} all */
const list = (all) => (all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all[all.length - 1]}` : all.join(""));

/** Before anything happened. */
export const NOTHING = "Nothing has happened to it yet: cut it, stop it, or give it another transport.";
