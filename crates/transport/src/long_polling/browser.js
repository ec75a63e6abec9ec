// @ts-check
import { poll } from "/http-feed.js";

/**
 * The browser half of long polling: comes back at once.
 *
 * @param {import("/http-feed.js").Feed} feed
 * @param {import("/http-feed.js").On} on
 */
export function subscribe(feed, on) {
  return poll(feed, on, "long-polling", () => 0);
}
