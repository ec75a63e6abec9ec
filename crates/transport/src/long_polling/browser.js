// @ts-check
import { poll } from "/http-feed.js";

/** What a page may let people choose: the name of the option in `where`, milliseconds, and what a choice means. */
export const option = {
  name: "hold",
  label: "is held for",
  choices: [2_000, 10_000, 25_000, 50_000],
  preset: 25_000,
  meaning: "A request that has nothing to bring is held for that long, and then answered all the same: a quiet room costs an empty answer so often.",
};

/**
 * The browser half of long polling: comes back at once. The first request is not held, so that it is known at once whether this
 * transport works.
 *
 * @param {import("/feed-half.js").Where & {hold?: number}} where  `hold`: how long the server may keep a request, in milliseconds
 * @param {import("/feed-half.js").On} on
 */
export function open(where, on) {
  const wait = where.hold === undefined ? "" : `&wait=${where.hold}ms`;
  return poll(where, on, (after, isFirst) => `long-polling${after ? `?after=${encodeURIComponent(after)}${isFirst ? "&wait=0s" : wait}` : ""}`, () => 0);
}
