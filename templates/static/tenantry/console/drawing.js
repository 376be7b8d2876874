// From data to the page. Text is only ever set as text.

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "medium" });
const UNITS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86_400, "hour", 3600],
  [Infinity, "day", 86_400],
];

export const $ = (id) => document.getElementById(id);

/** "2 minutes ago" */
export function ago(moment, now = Date.now()) {
  const seconds = Math.min(0, (Date.parse(moment) - now) / 1000);
  const [, unit, size] = UNITS.find(([below]) => -seconds < below);
  return RELATIVE.format(Math.round(seconds / size), unit);
}

export function drawTime(element, moment) {
  element.dateTime = moment;
  element.title = EXACT.format(new Date(moment));
  element.textContent = ago(moment);
}

export function redrawTimes() {
  for (const element of document.querySelectorAll("#app time")) element.textContent = ago(element.dateTime);
}

/** Draw rows by key, keeping the elements, and with them the focus, of rows that stay. */
export function drawList(list, rows, { key, make, draw }) {
  const known = new Map([...list.children].map((element) => [element.dataset.key, element]));
  rows.forEach((row, place) => {
    const element = known.get(key(row)) ?? make(row);
    element.dataset.key = key(row);
    known.delete(key(row));
    draw(element, row);
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
  for (const gone of known.values()) remove(gone);
}

/** Take an element away; a focus in it goes to its neighbor. */
function remove(element) {
  if (element.contains(document.activeElement)) {
    const neighbor = element.nextElementSibling ?? element.previousElementSibling;
    (neighbor?.querySelector("article") ?? $("feed-title")).focus();
  }
  element.remove();
}

const WORDS = { info: "Info", success: "Done", warning: "Attention", error: "Problem" };

export function makeItem() {
  return $("item").content.firstElementChild.cloneNode(true);
}

export function drawItem(element, row) {
  const find = (selector) => element.querySelector(selector);
  const article = find("article");
  article.classList.toggle("is-unread", !row.is_read);
  const badge = find(".badge");
  badge.className = `badge is-${row.type}`;
  badge.replaceChildren($(`icon-${row.type}`).content.cloneNode(true), WORDS[row.type] ?? row.type);
  find("h3").textContent = row.title;
  find(".unread").hidden = row.is_read;
  find(".body").textContent = row.body;
  find(".body").hidden = !row.body;
  drawActions(find(".actions"), row.actions);
  drawTime(find("time"), row.created_at);
  name(find("[data-do=read]"), row.is_read ? "Mark as unread" : "Mark as read", row);
  name(find("[data-do=archive]"), row.is_archived ? "Back to the inbox" : "Archive", row);
  name(find("[data-do=snooze]"), "Until tomorrow", row);
  name(find("[data-do=delete]"), "Delete", row);
}

/** Screen readers hear what a button of many is about. */
function name(button, words, row) {
  button.textContent = words;
  button.setAttribute("aria-label", `${words}: ${row.title}`);
}

function drawActions(element, actions) {
  element.hidden = actions.length === 0;
  element.replaceChildren(
    ...actions.map(({ label, url }) =>
      Object.assign(document.createElement("a"), { href: url, textContent: label, rel: "noopener noreferrer" }),
    ),
  );
}

export function textElement(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
