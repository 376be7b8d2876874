// Events as they came, the newest first.

import { textElement } from "./drawing.js";

const MOST = 50;

export class Stream {
  #list;
  #empty;

  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
  }

  add(event) {
    const { channel, offset, event: name, data } = event;
    const row = document.createElement("li");
    row.append(
      textElement("code", name),
      textElement("span", ` ${channel.split(":")[0]} ${offset}`, "soft small"),
      textElement("pre", JSON.stringify(data, null, 1)),
    );
    this.#list.prepend(row);
    this.#list.children[MOST]?.remove();
    this.#empty.hidden = true;
  }
}
