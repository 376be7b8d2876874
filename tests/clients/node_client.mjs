import { createInterface } from "node:readline";
import { play } from "./client.mjs";

const [library, url, channel] = process.argv.slice(2);
const { Realtime } = await import(library);
const waiting = { "token?": [], "next?": [] };
createInterface({ input: process.stdin }).on("line", (line) => {
  const { to, answer } = JSON.parse(line);
  waiting[to].shift()(answer);
});
const ask = (question) =>
  new Promise((resolve) => {
    waiting[question].push(resolve);
    console.log(question);
  });
await play(Realtime, url, channel, (line) => console.log(line), ask);
process.exit(0);
