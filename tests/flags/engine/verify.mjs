// Verifies test_vectors.json with nothing of our engine: node verify.mjs [FILE]

import { readFileSync } from "node:fs";

const VARIANT_SEED = 86028157;

/** MurmurHash3, 32 bit, x86 (Austin Appleby, public domain), of UTF-8. */
function murmur3(text, seed) {
  const bytes = new TextEncoder().encode(text);
  const words = Math.floor(bytes.length / 4);
  let hash = seed;
  const mixed = (word) => {
    const k = Math.imul(word, 0xcc9e2d51);
    return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  };
  for (let index = 0; index < words; index += 1) {
    const at = index * 4;
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash ^= mixed(word);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= words * 4; at -= 1) rest = (rest << 8) | bytes[at];
  hash ^= mixed(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Whether the place of an id, 0 to 99 999, lies within a percentage of up to three decimals. */
function isWithin(percentage, group, id) {
  const hash = murmur3(`${group}:${id}`, 0);
  const place = (hash % 100) * 1000 + (Math.floor(hash / 100) % 1000);
  return place < Math.round(Number(percentage) * 1000);
}

function variantOf(variants, group, id) {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  const place = (murmur3(`${group}:${id}`, VARIANT_SEED) % total) + 1;
  let end = 0;
  return variants.find(({ weight }) => (end += weight) >= place).name;
}

function answer({ name, strategies, variants }, id) {
  const { rollout, groupId } = strategies[0].parameters;
  if (!isWithin(rollout, groupId, id)) return false;
  return variants ? variantOf(variants, name, id) : true;
}

const file = process.argv[2] ?? new URL("test_vectors.json", import.meta.url);
const { state, answers } = JSON.parse(readFileSync(file, "utf8"));
let differing = 0;
for (const [id, expected] of answers) {
  state.features.forEach((flag, index) => {
    if (answer(flag, id) !== expected[index]) differing += 1;
  });
}
console.log(`${answers.length * state.features.length} answers, ${differing} differ`);
process.exit(differing ? 1 : 0);
