// A client of Tenantry's WebSocket: one module, no dependency, for browsers and Node.
//
//   const realtime = new Realtime("wss://example.com/ws/v1", { getToken });
//   realtime.subscribe("user", { onEvent: (event) => …, onStale: () => … });
//   realtime.connect();
//
// It comes back by itself, asks for what it missed, and hands each event over once and in order.
// Where that can't be kept, `onStale` is called: fetch what you show over HTTP.

/** @typedef {import("./tenantry-realtime.js").Options} Options */
/** @typedef {import("./tenantry-realtime.js").Handlers} Handlers */
/** @typedef {import("./tenantry-realtime.js").Frame} Frame */
/** @typedef {{ channel: string, handlers: Handlers, isLive: boolean, epoch?: string, offset: number, people: Set<string> }} Subscription */

const PROTOCOL = "tenantry.v1";
const NOT_AUTHENTICATED = 4401;
/** Coming back would end the same way. 4401 is final once a fresh token was refused too. */
const FINAL = new Set([4400, 4403, 4406]);
const BROKEN = 1006;
/** The server can't do it right now: nothing is lost, and asking again helps. */
const UNAVAILABLE = "unavailable";
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** A connection that held for so long makes the next pause a short one again. */
const SETTLED_MS = 10_000;
const WELCOME_WITHIN_MS = 15_000;

/** What was asked for was refused, or the connection ended before it was answered. */
export class RealtimeError extends Error {
  /** @param {string} code @param {string} detail */
  constructor(code, detail) {
    super(detail);
    this.name = "RealtimeError";
    this.code = code;
  }
}

export class Realtime {
  #url;
  #getToken;
  #onStatus;
  #WebSocket;
  /** @type {Map<string, Subscription>} */
  #subscriptions = new Map();
  /** @type {Map<number, (answer: Frame) => void>} */
  #waiting = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Record<string, any>} */
  #timers = {};
  #silenceMs = WELCOME_WITHIN_MS;
  #lastRef = 0;
  #attempts = 0;
  #openSince = 0;
  #isRefused = false;
  #isOver = true;

  /** @param {string} url @param {Options} options */
  constructor(url, { getToken, onStatus = () => {}, WebSocket = globalThis.WebSocket }) {
    if (!WebSocket) throw new TypeError("There is no WebSocket here: pass one in the options.");
    this.#url = url;
    this.#getToken = getToken;
    this.#onStatus = onStatus;
    this.#WebSocket = WebSocket;
  }

  /** Begin, or begin again after the end. */
  connect() {
    if (!this.#isOver) return;
    this.#isOver = this.#isRefused = false;
    this.#attempts = 0;
    this.#open();
  }

  /** End. Subscriptions keep their place, should you connect again. */
  close() {
    this.#end(1000);
  }

  /**
   * Listen to a channel, now or as soon as there is a connection. Returns how to stop.
   * @param {string} channel @param {Handlers} handlers
   */
  subscribe(channel, handlers) {
    if (this.#subscriptions.has(channel)) throw new Error(`${channel} is already subscribed to.`);
    const subscription = { channel, handlers, isLive: false, offset: 0, people: new Set() };
    this.#subscriptions.set(channel, subscription);
    if (this.#openSince) this.#join(subscription);
    return () => {
      if (this.#forget(subscription) && this.#openSince) this.#say("unsubscribe", { channel });
    };
  }

  /**
   * Say something on a channel that allows it. Rejects with a RealtimeError.
   * @param {string} channel @param {string} event @param {unknown} [data]
   */
  publish(channel, event, data = null) {
    return this.#ask("publish", { channel, event, data });
  }

  /** Resolve once the server answered. */
  async ping() {
    await this.#ask("ping", {});
  }

  // -- One connection after the other -------------------------------------------------------------

  async #open(fresh = false) {
    const token = await this.#token(fresh);
    if (this.#isOver || this.#socket) return;
    if (token === null) return this.#end(NOT_AUTHENTICATED);
    if (token === undefined) return this.#comeBack(BROKEN);
    const socket = new this.#WebSocket(this.#url, [PROTOCOL, `bearer.${token}`]);
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(socket, code);
    socket.onerror = () => {}; // a close follows
    this.#socket = socket;
    this.#silenceMs = WELCOME_WITHIN_MS;
    this.#watch();
  }

  /** Null: signed out. Undefined: there was none to be had just now. @param {boolean} fresh */
  async #token(fresh) {
    try {
      return (await this.#getToken({ fresh })) ?? null;
    } catch (error) {
      console.error("tenantry-realtime: no token", error);
      return undefined;
    }
  }

  /** @param {WebSocket | null} socket @param {number} code */
  #closed(socket, code) {
    if (socket !== this.#socket || this.#isOver) return;
    if (this.#openSince && Date.now() - this.#openSince > SETTLED_MS) this.#attempts = 0;
    this.#leave();
    if (FINAL.has(code) || (code === NOT_AUTHENTICATED && this.#isRefused)) return this.#end(code);
    if (code !== NOT_AUTHENTICATED) return this.#comeBack(code);
    this.#isRefused = true;
    this.#open(true);
  }

  /** @param {number} code */
  #comeBack(code) {
    // Anywhere between at once and the longest: clients that fell together don't return together.
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempts++);
    this.#timers.pause = setTimeout(() => this.#open(), Math.random() * longest);
    this.#call(this.#onStatus, { state: "waiting", code });
  }

  /** @param {number} code */
  #end(code) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    this.#call(this.#onStatus, { state: "ended", code });
  }

  /** Have nothing to do any more with this connection. */
  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    this.#openSince = 0;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    for (const each of this.#subscriptions.values()) each.isLive = false;
    socket?.close(1000);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const answer = { type: "error", code: "disconnected", detail: "The connection ended." };
    for (const answered of waiting) answered(answer);
  }

  /** Take a connection on which nothing comes for broken, whatever TCP believes. */
  #watch() {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#closed(this.#socket, BROKEN), this.#silenceMs);
  }

  #keepAlive() {
    this.#timers.ping = setTimeout(() => {
      this.#say("ping", {});
      this.#keepAlive();
    }, this.#silenceMs / 2);
  }

  // -- What is heard ------------------------------------------------------------------------------

  /** @param {Frame} frame */
  #hear(frame) {
    this.#watch();
    const answered = this.#waiting.get(frame.ref);
    if (answered) {
      this.#waiting.delete(frame.ref);
      answered(frame);
    } else if (frame.type === "event") this.#deliver(frame);
    else if (frame.type === "welcome") this.#welcomed(frame);
    else if (frame.type === "auth_expiring") this.#renew(frame.in_s);
    else if (frame.type === "unsubscribed") this.#lose(frame.channel, frame.code);
    else if (frame.type === "presence") this.#attend(frame);
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    this.#openSince = Date.now();
    this.#isRefused = false;
    this.#silenceMs = frame.heartbeat_s * 2000;
    this.#watch();
    this.#keepAlive();
    this.#call(this.#onStatus, { state: "open" });
    for (const subscription of this.#subscriptions.values()) this.#join(subscription);
  }

  /** @param {Frame} event */
  #deliver(event) {
    const subscription = this.#subscriptions.get(event.channel);
    // What comes before the answer to `subscribe` comes again behind it.
    if (!subscription?.isLive || event.offset <= subscription.offset) return;
    subscription.offset = event.offset;
    this.#tell(event.channel, "onEvent", event);
  }

  /** @param {Frame} presence */
  #attend({ channel, joined, left, count }) {
    const people = this.#subscriptions.get(channel)?.people;
    if (!people) return;
    for (const id of joined) people.add(id);
    for (const id of left) people.delete(id);
    if (people.size !== count) people.clear(); // more than are named
    this.#tell(channel, "onPresence", { people: [...people], count });
  }

  /** @param {Subscription} subscription */
  #join(subscription) {
    const { channel, epoch, offset } = subscription;
    const since = epoch === undefined ? {} : { since: `${epoch}:${offset}` };
    this.#say("subscribe", { channel, ...since }, (answer) => {
      if (this.#subscriptions.get(channel) !== subscription) return;
      if (answer.type === "ack") this.#joined(subscription, answer);
      else if (answer.code === UNAVAILABLE) this.#joinLater(subscription);
      else if (answer.code !== "disconnected") this.#lose(channel, answer.code);
    });
  }

  /** @param {Subscription} subscription */
  #joinLater(subscription) {
    this.#timers[`join ${subscription.channel}`] = setTimeout(() => {
      if (this.#subscriptions.get(subscription.channel) === subscription) this.#join(subscription);
    }, FIRST_PAUSE_MS * (0.5 + Math.random()));
  }

  /** @param {Subscription} subscription @param {Frame} ack */
  #joined(subscription, ack) {
    subscription.isLive = true;
    subscription.people.clear(); // the first of the coming messages lists everybody
    if (subscription.handlers.onPresence) this.#say("presence", { channel: ack.channel });
    if (ack.recovered) return;
    subscription.epoch = ack.epoch;
    subscription.offset = ack.offset;
    this.#tell(ack.channel, "onStale");
  }

  /** @param {string} channel @param {string} code */
  #lose(channel, code) {
    const subscription = this.#subscriptions.get(channel);
    if (subscription && this.#forget(subscription)) this.#call(subscription.handlers.onLost, code);
  }

  /** @param {Subscription} subscription */
  #forget(subscription) {
    if (this.#subscriptions.get(subscription.channel) !== subscription) return false;
    return this.#subscriptions.delete(subscription.channel);
  }

  /** @param {number} seconds */
  #renew(seconds) {
    const socket = this.#socket;
    this.#timers.renewal = setTimeout(async () => {
      const token = await this.#token(true);
      if (token && socket === this.#socket) this.#say("auth", { token });
    }, Math.random() * seconds * 250); // not all clients in the same moment
  }

  /** @param {string} channel @param {keyof Handlers} handler @param {...unknown} told */
  #tell(channel, handler, ...told) {
    this.#call(this.#subscriptions.get(channel)?.handlers[handler], ...told);
  }

  /** @param {Function | undefined} handler @param {...unknown} told */
  #call(handler, ...told) {
    try {
      handler?.(...told);
    } catch (error) {
      console.error("tenantry-realtime: a handler failed", error);
    }
  }

  // -- What is said -------------------------------------------------------------------------------

  /** @param {string} type @param {object} fields @param {(answer: Frame) => void} [answered] */
  #say(type, fields, answered = () => {}) {
    const ref = ++this.#lastRef;
    this.#waiting.set(ref, answered);
    this.#socket?.send(JSON.stringify({ type, ref, ...fields }));
  }

  /** @param {string} type @param {object} fields @returns {Promise<Frame>} */
  #ask(type, fields) {
    return new Promise((resolve, reject) => {
      if (!this.#openSince) return reject(new RealtimeError("disconnected", "Not connected."));
      this.#say(type, fields, (answer) => {
        if (answer.type !== "error") resolve(answer);
        else reject(new RealtimeError(answer.code, answer.detail));
      });
    });
  }
}
