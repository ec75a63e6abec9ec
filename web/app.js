// @ts-check
/** The page: one room over a transport that the server offers. Knows no transport by name. */

const FEED = { namespace: "demo", room: "lobby" };
/** Rows kept on the page. */
const MOST_ROWS = 200;

const state = /** @type {HTMLElement} */ (document.querySelector("#state"));
const items = /** @type {HTMLElement} */ (document.querySelector("#items"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("#say"));
const text = /** @type {HTMLInputElement} */ (document.querySelector("#text"));
const picker = /** @type {HTMLSelectElement} */ (document.querySelector("#transport"));

/** @type {{publish: (event: string, data: unknown) => void, close: () => void} | undefined} */
let subscription;
/** Counts subscriptions, so that what an old one still says is not shown. */
let generation = 0;

/** @param {string} mark @param {string} words @param {boolean} control */
function show(mark, words, control) {
  const atEnd = items.scrollHeight - items.scrollTop - items.clientHeight < 40;
  const row = document.createElement("li");
  row.className = control ? "control" : "";
  for (const part of [mark, words]) {
    const span = document.createElement("span");
    span.textContent = part;
    row.append(span);
  }
  items.append(row);
  while (items.childElementCount > MOST_ROWS) items.firstElementChild?.remove();
  if (atEnd) items.scrollTop = items.scrollHeight;
}

/** @param {string} json */
function onItem(json) {
  const item = JSON.parse(json);
  if ("offset" in item) show(String(item.offset), item.data?.text ?? JSON.stringify(item.data), false);
  else if ("error" in item) show("!", item.error.detail, true);
  else if (!("ack" in item)) show("·", json, true);
}

/** @param {{title: string, module: string}} transport */
async function subscribe(transport) {
  const mine = ++generation;
  subscription?.close();
  state.textContent = `${FEED.namespace}/${FEED.room} over ${transport.title}`;
  try {
    const module = await import(transport.module);
    if (mine !== generation) return;
    subscription = module.subscribe(
      { ...FEED, after: "earliest" },
      {
        onItem: (/** @type {string} */ json) => mine === generation && onItem(json),
        onEnd: (/** @type {string} */ reason) => mine === generation && (state.textContent = `over: ${reason}`),
      },
    );
  } catch (error) {
    state.textContent = `${transport.title} does not work here: ${error}`;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  subscription?.publish("message", { text: text.value });
  form.reset();
});

const offered = (await (await fetch("/v1/transports")).json()).filter((/** @type {any} */ one) => one.module);
for (const { title } of offered) picker.append(new Option(title));
const wanted = offered.findIndex((/** @type {any} */ one) => one.id === new URLSearchParams(location.search).get("transport"));
// The last is the one that needs the fewest requests: the list goes from polling to streams.
picker.selectedIndex = wanted < 0 ? offered.length - 1 : wanted;
picker.addEventListener("change", () => {
  items.replaceChildren();
  subscribe(offered[picker.selectedIndex]);
});
await subscribe(offered[picker.selectedIndex]);
