// Draws sentences at random, to be read one by one: node --import ./test/support/ts-loader.mjs test/docs/prose/draw.ts 7 60 src/client
import { filesIn, textsOf } from './texts.js';

const [seed = '1', count = '60', ...paths] = process.argv.slice(2);

/** mulberry32: the same seed draws the same sentences. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts of fewer words, such as labels, need no second reading. */
const LEAST_WORDS = 4;

const sentences = (paths.length === 0 ? ['src', 'test', 'docs'] : paths)
  .flatMap(filesIn)
  .flatMap((file) => textsOf(file))
  .flatMap(({ file, line, text }) =>
    text
      .replace(/\s+/g, ' ')
      .split(/(?<=[.!?]) (?=[\p{Lu}`@{])/u)
      .filter((sentence) => sentence.split(' ').length >= LEAST_WORDS)
      .map((sentence) => `${file}:${line}  ${sentence.trim()}`),
  );

const random = randomFrom(Number(seed));
for (let left = Math.min(Number(count), sentences.length); left > 0; left -= 1) {
  const [drawn] = sentences.splice(Math.floor(random() * sentences.length), 1);
  console.log(drawn);
}
