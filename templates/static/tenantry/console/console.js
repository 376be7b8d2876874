// The live page: notifications, who is here, and what happens, in step with every other window.

import { Realtime } from "../../clients/tenantry-realtime.js";
import { $, drawItem, drawList, makeItem, redrawTimes } from "./drawing.js";
import { Inbox } from "./inbox.js";
import { Place } from "./place.js";
import { Push } from "./push.js";
import { Session } from "./session.js";
import { Stream } from "./stream.js";
import { beginTheme } from "./theme.js";

const STATUS = { open: "Live", waiting: "Reconnecting", ended: "Not connected" };
const EMPTY = {
  inbox: "Nothing here. What concerns you will be, the moment it happens.",
  unread: "Everything is read.",
  archived: "What you archive stays here.",
};
const session = new Session();
const ask = (...words) => session.ask(...words);
const inbox = new Inbox(ask);
const push = new Push(ask, $("push"), $("push-note"));
const stream = new Stream($("stream"), $("stream-empty"));
let realtime = null;
let place = null;

// -- Signing in and out ----------------------------------------------------------------------------

async function begin() {
  session.user ??= await ask("GET", "/users/me");
  $("sign-in").hidden = true;
  $("app").hidden = $("bell").hidden = false;
  $("who").textContent = session.user.full_name || session.user.email;
  listen();
  push.begin();
  await drawOrganizations();
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const getToken = (options) => session.token(options);
  realtime = new Realtime(`${scheme}://${location.host}/ws/v1`, { getToken, onStatus: drawStatus });
  place = new Place(realtime, { ask, hear });
  realtime.subscribe("user", { onEvent: hear, onStale: () => tried(inbox.load()) });
  realtime.subscribe("system", { onEvent: hear });
  realtime.connect();
}

function hear(event) {
  stream.add(event);
  inbox.hear(event);
  place.heard(event);
}

session.addEventListener("ended", () => {
  realtime?.close();
  realtime = place = null;
  push.end();
  $("app").hidden = $("bell").hidden = true;
  $("sign-in").hidden = false;
  drawStatus({ state: "ended" });
});

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = $("sign-in-problem");
  problem.hidden = true;
  try {
    await session.signIn($("email").value, $("password").value);
    $("password").value = "";
    await begin();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});
$("sign-out").addEventListener("click", () => session.signOut());

// -- What is shown ---------------------------------------------------------------------------------

function drawStatus({ state }) {
  inbox.isLive = state === "open";
  $("status").textContent = STATUS[state];
  $("status").dataset.state = state;
}

inbox.addEventListener("changed", () => {
  drawList($("items"), inbox.items, { key: ({ id }) => id, make: makeItem, draw: drawItem });
  $("count").textContent = inbox.count;
  document.title = `${inbox.count ? `(${inbox.count}) ` : ""}Console · Tenantry`;
  $("empty").hidden = inbox.items.length > 0;
  $("empty").textContent = EMPTY[inbox.view];
  $("more").hidden = !inbox.hasMore;
  $("read-all").disabled = inbox.count === 0;
});
inbox.addEventListener("arrived", ({ detail }) => {
  $("news").textContent = `New: ${detail.title}`;
});
setInterval(redrawTimes, 30_000);

async function drawOrganizations() {
  const { items } = await ask("GET", "/organizations?cursor=&page_size=100");
  const options = items.map(({ id, name }) => new Option(name, id));
  $("organization").replaceChildren(new Option("All of them", ""), ...options);
  place.show("");
}

/** Show what went wrong with something that was begun. */
async function tried(work) {
  try {
    await work;
    $("problem").hidden = true;
  } catch (error) {
    if (!session.isKept) return; // the form to sign in is there already
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  }
}

// -- What is done ----------------------------------------------------------------------------------

$("organization").addEventListener("change", ({ target }) => {
  place.show(target.value);
  tried(inbox.show({ organization: target.value }));
});
for (const tab of document.querySelectorAll("[data-view]")) {
  tab.addEventListener("click", () => {
    for (const each of document.querySelectorAll("[data-view]")) each.ariaPressed = String(each === tab);
    tried(inbox.show({ view: tab.dataset.view }));
  });
}
$("more").addEventListener("click", () => tried(inbox.more()));
$("read-all").addEventListener("click", () => tried(inbox.readAll()));
$("bell").addEventListener("click", () => ($("items").querySelector("article") ?? $("feed-title")).focus());
$("items").addEventListener("click", ({ target }) => {
  const what = target.closest("[data-do]")?.dataset.do;
  if (what) act(what, target.closest("li"));
});

const DEEDS = {
  read: (row) => inbox.change(row, { is_read: !row.is_read }),
  archive: (row) => inbox.change(row, { is_archived: !row.is_archived }),
  snooze: (row) => inbox.change(row, { snoozed_until: tomorrow().toISOString() }),
  delete: (row) => inbox.remove(row),
};

function act(what, element) {
  const row = inbox.items.find(({ id }) => id === element?.dataset.key);
  if (row) tried(DEEDS[what](row));
}

function tomorrow() {
  const morning = new Date();
  morning.setDate(morning.getDate() + 1);
  morning.setHours(9, 0, 0, 0);
  return morning;
}

const KEYS = { r: "read", e: "archive" };
const STEPS = { j: 1, k: -1 };

addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $("app").hidden) return;
  const element = document.activeElement.closest("#items > li");
  if (event.key in STEPS) step(element, STEPS[event.key]);
  else if (event.key in KEYS && element) act(KEYS[event.key], element);
});

function step(element, by) {
  const articles = [...$("items").querySelectorAll("article")];
  const at = articles.indexOf(element?.querySelector("article"));
  articles[at < 0 ? 0 : Math.min(articles.length - 1, Math.max(0, at + by))]?.focus();
}

beginTheme($("theme"), $("theme-name"));
if (session.isKept) tried(begin());
else $("sign-in").hidden = false;
