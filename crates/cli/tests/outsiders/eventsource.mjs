// The npm package `eventsource` (4: the newest for Node 20) reads a feed and comes back by itself. Arguments: the URL.

import { EventSource } from "eventsource";
import { given, released, say } from "./common.mjs";

const source = new EventSource(given[0]);
source.onmessage = ({ data }) => say({ lane: "sse", item: data });
for (const name of ["hello", "gap", "close"]) {
  source.addEventListener(name, ({ data }) => say({ lane: "sse", control: data }));
}
await released();
source.close();
