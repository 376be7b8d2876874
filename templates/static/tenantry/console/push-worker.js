// Shows what is pushed to this browser, also while no page of ours is open. Served at /push-worker.js.
//
// It marks nothing as read: who opens the notification decides that on the page.

const HOME = "/console";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.url));
});

/** What came, or words that are true of anything: a browser insists that something is shown. */
function read(data) {
  try {
    return { title: "New notification", body: "", url: HOME, unread_count: null, ...data.json() };
  } catch {
    return { title: "New notification", body: "", url: HOME, unread_count: null };
  }
}

async function show({ id, title, body, url, unread_count: count }) {
  // The same tag takes the place of what is shown, and renotify says that it is news all the same.
  const replaced = id ? { tag: id, renotify: true } : {};
  await self.registration.showNotification(title, { body, data: { url }, ...replaced });
  if (count !== null) await self.navigator.setAppBadge?.(count).catch(() => {});
}

async function open(url) {
  const target = new URL(url, self.location.origin);
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => each.url === target.href);
  return there ? there.focus() : self.clients.openWindow(target.href);
}
