// Who is signed in here. The refresh token is kept for the next visit and shared by the windows of
// this browser, of which one at a time renews it; the access token never leaves this window's memory.

const KEPT = "tenantry.refresh";
const EARLY_MS = 30_000;

/** An answer that is not what was asked for: `code` and `message` are the API's. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "The server can't be reached. Nothing was lost.");
    this.status = status;
    this.code = body.code ?? "unreachable";
  }
}

export class Session extends EventTarget {
  #access = null;
  #endsAt = 0;
  user = null;

  constructor() {
    super();
    addEventListener("storage", ({ key, newValue }) => {
      if (key === KEPT && newValue === null) this.#forget();
    });
  }

  get isKept() {
    return localStorage.getItem(KEPT) !== null;
  }

  async signIn(email, password) {
    const answer = await send("POST", "/auth/token", { body: { email, password } });
    if (answer.mfa_required) throw new Problem(403, { detail: "This page can't ask for a second factor yet." });
    this.#keep(answer);
    this.user = answer.user;
  }

  async signOut() {
    const token = await this.token().catch(() => null);
    localStorage.removeItem(KEPT);
    this.#forget();
    if (token) await send("POST", "/auth/logout", { token }).catch(() => {});
  }

  /** Return an access token, renewed where that is due; null when nobody is signed in. */
  async token({ fresh = false } = {}) {
    const before = this.#access;
    if (!fresh && before && Date.now() < this.#endsAt - EARLY_MS) return before;
    return navigator.locks.request(KEPT, () => (this.#access === before ? this.#renew() : this.#access));
  }

  /** Ask the API. Throws Problem. */
  async ask(method, path, body) {
    try {
      return await send(method, path, { body, token: await this.token() });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      return send(method, path, { body, token: await this.token({ fresh: true }) });
    }
  }

  async #renew() {
    const refresh = localStorage.getItem(KEPT);
    if (refresh === null) return null;
    try {
      this.#keep(await send("POST", "/auth/token/refresh", { body: { refresh } }));
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      // Perhaps another window was given the next one while this answer was on its way.
      if (localStorage.getItem(KEPT) !== refresh) return this.#renew();
      localStorage.removeItem(KEPT);
      this.#forget();
    }
    return this.#access;
  }

  #keep({ access, refresh, expires_in: seconds }) {
    this.#access = access;
    this.#endsAt = Date.now() + seconds * 1000;
    localStorage.setItem(KEPT, refresh);
  }

  #forget() {
    this.#access = this.user = null;
    this.dispatchEvent(new Event("ended"));
  }
}

async function send(method, path, { body, token } = {}) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api/v1${path}`, { method, headers, body: JSON.stringify(body) }).catch(() => {
    throw new Problem(0, {});
  });
  if (answer.status === 204) return null;
  const read = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, read);
  return read;
}
