// Says what it is told to on socket.io, as a process without sockets does (bench/say.py is its twin).
import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const client = await createClient({ url: process.argv[2] }).connect();
const io = new Emitter(client);
const textOf = (number) => {
  const now = String(process.hrtime.bigint()).padStart(20, "0");
  return `#${String(number).padStart(10, "0")} ${now} `.padEnd(200, "x");
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { first, count, people, pause } = JSON.parse(line);
  for (let number = first; number < first + count; number++) {
    const person = people[(number - first) % people.length];
    (people.length ? io.to(`person.${person}`) : io).emit("said", textOf(number));
    if (pause) await setTimeout(pause * 1000);
  }
  await client.ping(); // all of it has left
  console.log("done");
}
process.exit();
