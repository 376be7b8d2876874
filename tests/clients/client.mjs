// The script of steps in Node, and in Chromium by browser.py: what it prints is the transcript.
export async function play(Realtime, url, channel, print, ask) {
  let last = "";
  const told = (line) => {
    if (line !== last || !line.startsWith("waiting")) print((last = line));
  };
  const getToken = ({ fresh }) => {
    if (fresh) told("a fresh token, please");
    return ask("token?");
  };
  const onStatus = ({ state, code }) => told(code === undefined ? state : `${state} ${code}`);
  const realtime = new Realtime(url, { getToken, onStatus });
  let present = { people: [], count: 0 };
  const handlers = (name) => ({
    onEvent: ({ event, data }) => told(`${name} ${event} ${JSON.stringify(data)}`),
    onStale: () => told(`${name} is stale`),
    onLost: (code) => told(`${name} is lost: ${code}`),
  });
  realtime.subscribe("user", handlers("user"));
  const onPresence = (told) => (present = told);
  realtime.subscribe(channel, { ...handlers("channel"), onPresence });
  realtime.subscribe("nowhere", handlers("nowhere"));
  realtime.connect();
  for (let command; (command = await ask("next?")) !== "close"; ) {
    if (command === "ping") await realtime.ping().then(() => told("pong"));
    if (command === "people") told(`${present.people.length} of ${present.count} are here`);
  }
  realtime.close();
  print("bye");
}
