// @ts-check
/** Five steps for who has read a tutorial and nothing else. Each points at something, and does what it speaks of. */
import { find, write } from "./dom.js";

/** @typedef {{at: string, title: string, text: string, button?: string, act?: () => void}} Step */

export class Tour {
  box = find("tour", HTMLElement);
  heading = find("tour-title", HTMLElement);
  text = find("tour-text", HTMLElement);
  act = find("tour-act", HTMLButtonElement);
  back = find("tour-back", HTMLButtonElement);
  next = find("tour-next", HTMLButtonElement);
  at = 0;

  /** @param {Step[]} steps @param {HTMLButtonElement} opener */
  constructor(steps, opener) {
    this.steps = steps;
    this.opener = opener;
    opener.addEventListener("click", () => this.go(0));
    this.back.addEventListener("click", () => this.go(this.at - 1));
    this.next.addEventListener("click", () => (this.at + 1 < steps.length ? this.go(this.at + 1) : this.close()));
    this.act.addEventListener("click", () => this.steps[this.at].act?.());
    find("tour-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this.box.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  /** @param {number} at */
  go(at) {
    this.#unmark();
    this.at = at;
    const { at: where, title, text, button } = this.steps[at];
    write(this.heading, `${at + 1} of ${this.steps.length}: ${title}`);
    write(this.text, text);
    write(this.act, button ?? "");
    this.act.hidden = !button;
    this.back.disabled = at === 0;
    write(this.next, at + 1 < this.steps.length ? "next" : "done");
    this.box.hidden = false;
    const place = document.querySelector(where);
    place?.classList.add("shown");
    place?.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    this.heading.focus();
  }

  close() {
    this.#unmark();
    this.box.hidden = true;
    this.opener.focus();
  }

  #unmark() {
    document.querySelector(".shown")?.classList.remove("shown");
  }
}
