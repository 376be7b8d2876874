// socket.io with its Redis adapter, as its docs set them up.
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { createServer } from "node:http";

const [port, url] = process.argv.slice(2);
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);
const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
});

io.on("connection", (socket) => socket.join(`person.${socket.handshake.query.person}`));
server.listen(Number(port), "127.0.0.1");
process.stdin.on("end", () => process.exit()).resume(); // whoever started us is gone
