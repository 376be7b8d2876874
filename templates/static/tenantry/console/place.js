// The organization one looks at: who is here, and which flags are on.

import { $, drawList, textElement } from "./drawing.js";

const MOST_NAMES = 500;
/** A change of flags is seen by every server process within this. */
const SEEN_BY_ALL_MS = 1000;

export class Place {
  #realtime;
  #ask;
  #hear;
  #leave = () => {};
  #organization = "";
  #names = new Map();
  #present = { people: [], count: 0 };

  constructor(realtime, { ask, hear }) {
    this.#realtime = realtime;
    this.#ask = ask;
    this.#hear = hear;
  }

  /** Look at an organization; at none for "". */
  show(organization) {
    this.#leave();
    this.#leave = () => {};
    this.#organization = organization;
    this.#present = { people: [], count: 0 };
    $("presence").hidden = !organization;
    this.#drawFlags();
    if (!organization) return;
    this.#leave = this.#realtime.subscribe(`organization:${organization}`, {
      onEvent: this.#hear,
      onStale: () => this.#learnNames(),
      onPresence: (present) => {
        this.#present = present;
        this.#drawPeople();
      },
      onLost: () => this.#lost(organization),
    });
  }

  heard({ event }) {
    if (event === "flags.changed") setTimeout(() => this.#drawFlags(), SEEN_BY_ALL_MS);
    if (event.startsWith("member.")) this.#learnNames();
  }

  #lost(organization) {
    if (organization !== this.#organization) return;
    $("people").replaceChildren();
    $("people-note").textContent = "You no longer belong to this organization.";
    this.#leave = () => {};
  }

  async #learnNames() {
    let cursor = "";
    const path = `/organizations/${this.#organization}/members?page_size=100&cursor=`;
    while (cursor !== null && this.#names.size < MOST_NAMES) {
      const page = await this.#ask("GET", path + encodeURIComponent(cursor)).catch(() => null);
      if (page === null) return;
      for (const { user_id: id, full_name: name } of page.items) this.#names.set(id, name);
      cursor = page.next_cursor;
    }
    this.#drawPeople();
  }

  #drawPeople() {
    const { people: ids, count } = this.#present;
    const people = ids.map((id) => ({ id, name: this.#names.get(id) || "Somebody" }));
    people.sort((a, b) => a.name.localeCompare(b.name));
    const make = () => document.createElement("li");
    const draw = (element, { name }) => (element.textContent = name);
    drawList($("people"), people, { key: ({ id }) => id, make, draw });
    $("people-note").textContent = count > ids.length ? `${count} people, too many to name.` : "";
  }

  async #drawFlags() {
    const place = this.#organization ? `?organization=${this.#organization}` : "";
    const answer = await this.#ask("GET", `/flags${place}`).catch(() => ({ flags: {} }));
    const rows = Object.entries(answer.flags).map(([name, flag]) => ({ name, ...flag }));
    $("flags").hidden = rows.length === 0;
    const make = () => document.createElement("li");
    const draw = (element, { name, enabled, variant }) => {
      const state = enabled ? `On${variant ? `: ${variant}` : ""}` : "Off";
      element.replaceChildren(textElement("code", name), textElement("span", ` ${state}`, "soft"));
    };
    drawList($("flag-list"), rows, { key: ({ name }) => name, make, draw });
  }
}
