// @ts-check
import { poll } from "/http-feed.js";

/** What a page may let people choose: the name of the option in `where`, milliseconds, and what a choice means. */
export const option = {
  name: "interval",
  label: "asks every",
  choices: [250, 500, 1_000, 2_000, 5_000],
  preset: 1_000,
  meaning: "It asks so often whether or not there is something: a message waits for half of that on average, and for all of it at worst.",
};

/**
 * The browser half of short polling: comes back when the server hints at, or as often as it is told.
 *
 * @param {import("/feed-half.js").Where & {interval?: number}} where  `interval`: between two requests, in milliseconds
 * @param {import("/feed-half.js").On} on
 */
export function open(where, on) {
  const path = (/** @type {string | undefined} */ after) => `short-polling${after ? `?after=${encodeURIComponent(after)}` : ""}`;
  return poll(where, on, path, (hinted) => where.interval ?? hinted);
}
