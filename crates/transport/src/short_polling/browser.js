// @ts-check
import { poll } from "/http-feed.js";

/**
 * The browser half of short polling: comes back when the server hints at.
 *
 * @param {import("/http-feed.js").Feed} feed
 * @param {import("/http-feed.js").On} on
 */
export function subscribe(feed, on) {
  return poll(feed, on, "short-polling", (hinted) => hinted);
}
