// The button by which this browser is notified also while the page is closed. Nothing is asked before
// it is pressed, and it is not there where the browser has no Web Push.

import { Problem } from "./session.js";

const WORKER = "/push-worker.js";
const SCOPE = "/console";
const WORDS = { on: "Stop notifying this device", off: "Notify me on this device" };
const BLOCKED =
  "Your browser blocks notifications of this site. Allow them in its settings for this page, then try again.";
const NOT_NOW = "This browser can't be notified right now. Nothing was changed; try again later.";

export class Push {
  #ask;
  #button;
  #note;
  #device = null;

  constructor(ask, button, note) {
    this.#ask = ask;
    this.#button = button;
    this.#note = note;
    button.addEventListener("click", () => this.#toggle());
  }

  /** Somebody signed in: where this browser is notified already, it is for them from now on. */
  async begin() {
    if (!isPossible()) return;
    const subscription = await this.#subscription().catch(() => null);
    if (subscription) await this.#register(subscription).catch(() => {});
    this.#draw();
    this.#button.hidden = false;
  }

  /** Nobody is signed in any longer: whoever comes next has to ask for it themselves. */
  async end() {
    this.#button.hidden = this.#note.hidden = true;
    this.#device = null;
    if (isPossible()) await this.#subscription().then((found) => found?.unsubscribe(), () => {});
  }

  async #toggle() {
    this.#button.disabled = true;
    this.#note.hidden = true;
    try {
      await (this.#device ? this.#stop() : this.#start());
    } catch (error) {
      this.#say(error instanceof Problem ? error.message : NOT_NOW);
    }
    this.#button.disabled = false;
    this.#draw();
  }

  async #start() {
    if ((await Notification.requestPermission()) !== "granted") return this.#say(BLOCKED);
    const { public_key: key } = await this.#ask("GET", "/notifications/push-key");
    await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
    const registration = await navigator.serviceWorker.ready;
    const wanted = { userVisibleOnly: true, applicationServerKey: key };
    await this.#register(await registration.pushManager.subscribe(wanted));
  }

  async #stop() {
    await this.#ask("DELETE", `/notifications/push-devices/${this.#device}`).catch((problem) => {
      if (problem.status !== 404) throw problem; // it was ended elsewhere
    });
    this.#device = null;
    await (await this.#subscription())?.unsubscribe();
  }

  async #register(subscription) {
    const { endpoint, keys } = subscription.toJSON();
    const { id } = await this.#ask("POST", "/notifications/push-devices", { kind: "web", endpoint, keys });
    this.#device = id;
  }

  async #subscription() {
    const registration = await navigator.serviceWorker.getRegistration(SCOPE);
    return (await registration?.pushManager.getSubscription()) ?? null;
  }

  #draw() {
    this.#button.textContent = this.#device ? WORDS.on : WORDS.off;
  }

  #say(words) {
    this.#note.textContent = words;
    this.#note.hidden = false;
  }
}

function isPossible() {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}
