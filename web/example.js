// @ts-check
import { connect } from "/feed.js";

const [said, state, form, text] = ["said", "state", "form", "text"].map((id) => /** @type {any} */ (document.getElementById(id)));
const feed = connect({ namespace: "example", room: "lobby", after: "earliest" });

/** @param {string} line */
const show = (line) => said.append(Object.assign(document.createElement("li"), { textContent: line }));

feed.addEventListener("publication", ({ detail: { publication } }) => {
  if (publication.event === "message") show(`${publication.from ?? "somebody"}: ${publication.data}`);
});
feed.addEventListener("gap", ({ detail }) => show(`${detail.missed ?? "all earlier"} messages are gone: ${detail.reason}`));
feed.addEventListener("state", ({ detail }) => (state.value = [detail.state, detail.transport, detail.reason].filter(Boolean).join(", ")));
form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  feed.publish("message", text.value).catch((error) => show(`not sent: ${error.message}`));
  form.reset();
});
