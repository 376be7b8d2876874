import { createInterface } from "node:readline";
import { play } from "./client.mjs";

const [library, url, channel] = process.argv.slice(2);
const { Realtime } = await import(library);
// An answer may come before its question is asked.
const answers = { "token?": [], "next?": [] };
const waiting = { "token?": [], "next?": [] };
createInterface({ input: process.stdin }).on("line", (line) => {
  const { to, answer } = JSON.parse(line);
  answers[to].push(answer);
  waiting[to].shift()?.();
});
const ask = async (question) => {
  console.log(question);
  if (!answers[question].length) await new Promise((resolve) => waiting[question].push(resolve));
  return answers[question].shift();
};
await play(Realtime, url, channel, (line) => console.log(line), ask);
process.exit(0);
