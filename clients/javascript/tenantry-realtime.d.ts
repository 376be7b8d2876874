export interface Options {
  /**
   * Return an access token, or null when nobody is signed in. `fresh`: the one from before is over,
   * or soon will be, so get a new one from the server. If this throws, it is asked again later.
   */
  getToken(wanted: { fresh: boolean }): Promise<string | null> | string | null;
  onStatus?(status: Status): void;
  /** Where there is none in the language: Node 20 without --experimental-websocket. */
  WebSocket?: typeof globalThis.WebSocket;
}

export type Status =
  | { state: "open" }
  /** The connection broke; the client comes back by itself. */
  | { state: "waiting"; code: number }
  /** 1000: you closed. 4401: sign in again. 4400, 4403, 4406: this client can't be served. */
  | { state: "ended"; code: number };

export interface Handlers {
  onEvent?(event: Event): void;
  /**
   * What you show of this channel may be old: fetch it over HTTP. Called when you join, and when
   * what was missed can't be replayed. What follows by `onEvent` is behind this moment.
   */
  onStale?(): void;
  /** You may not listen, or no longer. */
  onLost?(code: string): void;
  /** Who listens, whenever that changes: ids of users, and how many. Over 500 nobody is named. */
  onPresence?(present: { people: string[]; count: number }): void;
}

export interface Event {
  type: "event";
  /** The same wherever and however often the message arrives. */
  id: string;
  channel: string;
  offset: number;
  event: string;
  data: any;
  at: string;
}

/** Any other message, as /api/asyncapi describes it. */
export type Frame = { type: string; [field: string]: any };

export class RealtimeError extends Error {
  code: string;
}

export class Realtime {
  constructor(url: string, options: Options);
  connect(): void;
  close(): void;
  /** Returns how to stop listening. */
  subscribe(channel: string, handlers: Handlers): () => void;
  publish(channel: string, event: string, data?: unknown): Promise<Frame>;
  ping(): Promise<void>;
}
