// @ts-check
// What a page does beyond showing itself: values under pointer and arrow keys, figures to be enlarged, tables to
// be sorted and copied. Without it the page is complete.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {object} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(name, properties, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/** @param {string} label @param {() => void} onclick @param {string} [ariaLabel] */
const button = (label, onclick, ariaLabel) => make("button", { type: "button", onclick, ...(ariaLabel && { ariaLabel }) }, label);

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** @param {ParentNode} root @param {string} selector */
const all = (root, selector) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

// Values. The texts are titles in the page, which browsers show by themselves; here they are moved out of their way.

const tip = make("div", { className: "tip", hidden: true, ariaHidden: "true" });
const spoken = make("p", { className: "spoken", role: "status" });
/** @type {Element | undefined} */
let shown;

function hide() {
  shown?.classList.remove("on");
  shown = undefined;
  tip.hidden = true;
}

/** @param {Element} place @param {Pick<DOMRect, "x" | "y">} [at] where the pointer is; without it, above the place */
function show(place, at) {
  if (shown !== place) hide();
  shown = place;
  place.classList.add("on");
  tip.textContent = place.getAttribute("data-tip");
  tip.hidden = false;
  const box = place.getBoundingClientRect();
  const { x, y } = at ?? { x: box.x + box.width / 2, y: box.y };
  const above = y - tip.offsetHeight - 10;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 8, document.documentElement.clientWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${above < 8 ? (at?.y ?? box.bottom) + 16 : above}px`;
}

/** @param {PointerEvent} event */
function point(event) {
  const place = event.target instanceof Element ? event.target.closest(".tips rect") : null;
  if (place) show(place, event);
  else if (shown) hide();
}

/** One tab stop; the arrow keys walk the values. @param {HTMLElement} drawing @param {string} question */
function walk(drawing, question) {
  const places = all(drawing, ".tips rect");
  for (const place of places) {
    const title = place.querySelector("title");
    place.setAttribute("data-tip", title?.textContent ?? "");
    title?.remove();
  }
  const named = drawing.querySelector("svg");
  named?.setAttribute("aria-label", question);
  named?.removeAttribute("aria-labelledby");
  const description = named?.querySelector(":scope > desc");
  if (description) named?.setAttribute("aria-describedby", description.id);
  named?.querySelector(":scope > title")?.remove();
  if (!places.length) return;
  let at = 0;
  const go = () => {
    show(places[at]);
    spoken.textContent = tip.textContent;
  };
  Object.assign(drawing, { tabIndex: 0, role: "group", ariaLabel: `${question} Its values, by arrow keys`, onblur: hide });
  drawing.onfocus = () => drawing.matches(":focus-visible") && go();
  drawing.onkeydown = ({ key, ctrlKey, altKey, metaKey }) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const step = steps[/** @type {keyof typeof steps} */ (key)];
    if (step === undefined || ctrlKey || altKey || metaKey) return true;
    at = clamp(at + step, 0, places.length - 1);
    go();
    return false;
  };
}

// A figure by itself, as wide as the window, to be zoomed and moved.

const stage = make("div", { className: "stage" });
const heading = make("p", {});
let scale = 1;

/** @param {number} factor @param {Pick<DOMRect, "x" | "y">} [at] what stays where it is; without it, the middle */
function zoom(factor, at) {
  const box = stage.getBoundingClientRect();
  const [x, y] = at ? [at.x - box.x, at.y - box.y] : [box.width / 2, box.height / 2];
  const before = scale;
  scale = clamp(scale * factor, 1, 8);
  const [left, top] = [stage.scrollLeft + x, stage.scrollTop + y].map((place) => (place * scale) / before);
  /** @type {HTMLElement} */ (stage.firstElementChild).style.width = `${100 * scale}%`;
  stage.scrollTo(left - x, top - y);
}

const bar = make("div", { className: "bar" }, heading, button("+", () => zoom(1.5), "Zoom in"), button("−", () => zoom(1 / 1.5), "Zoom out"));
const dialog = make("dialog", { className: "zoom" }, bar, stage);
bar.append(button("Close", () => dialog.close()));

stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.04 : 0.002)), event);
}, { passive: false });

/** @type {Map<number, PointerEvent>} Fingers, and a mouse's button, that are down. */
const down = new Map();
stage.addEventListener("pointerdown", (event) => down.set(event.pointerId, event));
stage.addEventListener("pointermove", (event) => {
  const last = down.get(event.pointerId);
  if (!last) return;
  const other = [...down.values()].find((finger) => finger !== last);
  down.set(event.pointerId, event);
  if (!other) return stage.scrollBy(last.x - event.x, last.y - event.y);
  /** @param {PointerEvent} finger */
  const apart = (finger) => Math.hypot(finger.x - other.x, finger.y - other.y);
  zoom(apart(event) / Math.max(apart(last), 1), { x: (event.x + other.x) / 2, y: (event.y + other.y) / 2 });
});
for (const end of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
  stage.addEventListener(end, (event) => down.delete(event.pointerId));
}

/** @param {HTMLElement} drawing @param {string} question */
function enlarge(drawing, question) {
  const hole = make("div", {});
  hole.style.height = `${drawing.offsetHeight}px`;
  drawing.replaceWith(hole);
  scale = 1;
  heading.textContent = question;
  dialog.ariaLabel = question;
  stage.replaceChildren(drawing);
  dialog.append(tip, spoken);
  dialog.onclose = () => {
    hide();
    down.clear();
    drawing.style.width = "";
    hole.replaceWith(drawing);
    document.body.append(tip, spoken);
  };
  dialog.showModal();
}

// Tables.

/** @param {HTMLTableElement} table */
function sortable(table) {
  const [body] = table.tBodies;
  const [heads, rows] = [all(table, "thead th"), [...body.rows]];
  /** @param {number} column @param {number} way */
  const by = (column, way) => (/** @type {HTMLTableRowElement} */ a, /** @type {HTMLTableRowElement} */ b) => {
    const [x, y] = [a, b].map((row) => row.cells[column]);
    const [m, n] = [x, y].map((cell) => Number(cell.dataset.value ?? Infinity));
    // What was not measured comes last, whichever way.
    if (m === Infinity || n === Infinity) return m === n ? way * x.innerText.localeCompare(y.innerText) : m - n;
    return way * (m - n);
  };
  heads.forEach((head, column) => {
    const sort = () => {
      const now = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort") ?? ""] ?? "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (now) head.setAttribute("aria-sort", now);
      body.append(...(now ? [...rows].sort(by(column, now === "ascending" ? 1 : -1)) : rows));
    };
    const press = button("", sort, `Sort by ${head.textContent}`);
    if (getComputedStyle(head).textAlign === "left") head.append(press);
    else head.prepend(press);
  });
}

/** @param {HTMLTableElement} table */
const texts = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => (cell.textContent ?? "").trim().replace(/\s+/g, " ")));

/** @param {HTMLTableElement} table */
function markdown(table) {
  const right = [...(table.tBodies[0].rows[0]?.cells ?? [])].map((cell) => "value" in cell.dataset);
  const lines = texts(table).map((row) => `| ${row.map((text) => text.replace(/[\\`*_~[\]<>|#&$]/g, "\\$&")).join(" | ")} |`);
  lines.splice(1, 0, `|${texts(table)[0].map((_, column) => (right[column] ? "--:" : "---")).join("|")}|`);
  return `${lines.join("\n")}\n`;
}

/** @param {HTMLTableElement} table */
const csv = (table) =>
  texts(table).map((row) => row.map((text) => {
    // A spreadsheet would take it for a formula.
    const safe = /^[=+@-]/.test(text) ? `'${text}` : text;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",") + "\r\n").join("");

/** @param {HTMLTableElement} table */
function copyable(table) {
  const done = make("span", { role: "status" });
  /** @param {(table: HTMLTableElement) => string} form */
  const copy = (form) => async () => {
    const text = form(table);
    try {
      await navigator.clipboard.writeText(text);
      done.textContent = "Copied.";
    } catch {
      const field = make("textarea", { value: text, readOnly: true, rows: 8, ariaLabel: "The table, to be copied" });
      done.textContent = "This page may not copy by itself; here it is:";
      done.nextElementSibling?.remove();
      done.after(field);
      field.select();
    }
  };
  table.closest(".table")?.append(
    make("div", { className: "tools" }, "Copy as ", button("Markdown", copy(markdown)), button("CSV", copy(csv)), done),
  );
}

document.body.append(dialog, tip, spoken);
document.addEventListener("pointermove", point);
document.addEventListener("pointerdown", point);
document.addEventListener("scroll", () => shown && show(shown), { capture: true, passive: true });
for (const figure of all(document, "figure")) {
  const question = figure.querySelector("h3")?.textContent ?? "";
  const drawings = all(figure, ".wide, .narrow");
  drawings.forEach((drawing) => walk(drawing, question));
  const open = button("Enlarge", () => enlarge(drawings[0], question), `Enlarge: ${question}`);
  figure.querySelector("h3")?.after(make("div", { className: "tools" }, open));
}
for (const table of /** @type {HTMLTableElement[]} */ (all(document, ".table table"))) {
  sortable(table);
  copyable(table);
}
