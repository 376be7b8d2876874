// `ws` as its README broadcasts, one Redis subscription a process.
import { createClient } from "redis";
import WebSocket, { WebSocketServer } from "ws";

const [port, url] = process.argv.slice(2);
const people = new Map();
const subscriber = await createClient({ url }).connect();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });

server.on("connection", (socket, request) => {
  const person = new URL(request.url, "http://localhost").searchParams.get("person");
  people.set(person, socket);
  socket.on("error", console.error);
  socket.on("close", () => people.delete(person));
  socket.send("ready");
});
await subscriber.subscribe("everybody", (text) => {
  for (const socket of server.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }
});
await subscriber.pSubscribe("person.*", (text, channel) => people.get(channel.slice(7))?.send(text));
process.stdin.on("end", () => process.exit()).resume(); // whoever started us is gone
