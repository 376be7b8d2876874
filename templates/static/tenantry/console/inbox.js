// What is known of somebody's notifications, kept in step with what the socket says.
//
// Counts carry a version that only rises, so one that comes late never overwrites a newer one.

const PAGE_SIZE = 20;
const QUERIES = { inbox: "", unread: "&is_read=false", archived: "&is_archived=true" };
/** What a change makes of a row; what is not here takes it out of the list. */
const CHANGES = {
  read: (row, at) => ({ ...row, is_read: true, read_at: row.read_at ?? at }),
  unread: (row) => ({ ...row, is_read: false, read_at: null }),
  seen: (row) => row,
};
/** After these the rows may read differently, or are back where they were. */
const ANEW = new Set(["reset", "updated", "unarchived"]);

export class Inbox extends EventTarget {
  items = [];
  count = 0;
  version = -1;
  view = "inbox";
  organization = "";
  #ask;
  #next = null;
  #loads = 0;
  /** What was heard since the list was asked for, which may not have it. */
  #meanwhile = null;

  constructor(ask) {
    super();
    this.#ask = ask;
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** Show another view, or another organization. */
  async show({ view = this.view, organization = this.organization }) {
    Object.assign(this, { view, organization });
    await this.load();
  }

  async load() {
    const mine = ++this.#loads;
    const meanwhile = (this.#meanwhile = []);
    const [page, counted] = await Promise.all([this.#page(""), this.#ask("GET", "/notifications/unread-count")]);
    this.counted(counted.count, counted.version);
    if (mine !== this.#loads) return; // another was asked for meanwhile
    this.items = page.items;
    this.#next = page.next_cursor;
    this.#meanwhile = null;
    meanwhile.forEach((event) => this.#apply(event)); // what it has already is the same again
    this.#changed();
  }

  async more() {
    const mine = this.#loads;
    const page = await this.#page(this.#next);
    if (mine !== this.#loads) return;
    const known = new Set(this.items.map(({ id }) => id));
    this.items.push(...page.items.filter(({ id }) => !known.has(id)));
    this.#next = page.next_cursor;
    this.#changed();
  }

  // -- What the socket says -----------------------------------------------------------------------

  hear(event) {
    this.#meanwhile?.push(event);
    this.#apply(event);
  }

  #apply({ event, data }) {
    if (event === "notification.created") this.#arrived(data);
    else if (event === "inbox.changed") this.#changedElsewhere(data);
    else if (event === "broadcast.sent") this.load();
  }

  #arrived({ notification, unread_count: count, version }) {
    this.counted(count, version);
    const isNew = !this.items.some(({ id }) => id === notification.id);
    this.items = this.items.filter(({ id }) => id !== notification.id);
    if (this.view !== "archived" && this.#isHere(notification)) this.items.unshift(notification);
    this.#changed();
    if (isNew) this.dispatchEvent(new CustomEvent("arrived", { detail: notification }));
  }

  #changedElsewhere({ change, ids, at, unread_count: count, version }) {
    this.counted(count, version);
    if (ANEW.has(change) || (change === "archived" && this.view === "archived")) return this.load();
    const named = new Set(ids);
    const become = CHANGES[change] ?? (() => null);
    this.items = this.items.map((row) => (named.has(row.id) ? become(row, at) : row)).filter(Boolean);
    this.#changed();
  }

  counted(count, version) {
    if (version < this.version) return;
    Object.assign(this, { count, version });
    this.#changed();
  }

  // -- What is done here ---------------------------------------------------------------------------

  /** Change one: {is_read}, {is_archived} or {snoozed_until}. The socket tells of it, here as well. */
  async change(row, fields) {
    await this.#ask("PATCH", `/notifications/${row.id}`, fields);
    await this.#settle();
  }

  async remove(row) {
    await this.#ask("DELETE", `/notifications/${row.id}`);
    await this.#settle();
  }

  /** Mark as read what is shown here, and nothing that came since. */
  async readAll() {
    const place = this.organization ? { organization: this.organization } : {};
    const newest = this.items[0] ? { before: this.items[0].id } : {};
    await this.#ask("POST", "/notifications/read-all", { ...place, ...newest });
    await this.#settle();
  }

  /** Without a socket nobody tells us: look. */
  isLive = false;
  async #settle() {
    if (!this.isLive) await this.load();
  }

  #page(cursor) {
    const place = this.organization ? `&organization=${this.organization}` : "";
    const query = `cursor=${encodeURIComponent(cursor)}&page_size=${PAGE_SIZE}${QUERIES[this.view]}${place}`;
    return this.#ask("GET", `/notifications?${query}`);
  }

  #isHere({ organization }) {
    return !this.organization || organization === this.organization;
  }

  #changed() {
    this.dispatchEvent(new Event("changed"));
  }
}
