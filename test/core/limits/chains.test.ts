import fc from 'fast-check';
import { blocksFor, Chains } from '../../../src/core/limits/chains.js';

/** A chain as its user sees it, and its expected contents. */
interface Held {
  first: number;
  last: number;
  model: number[];
}

const move = fc.record({
  kind: fc.constantFrom('begin', 'append', 'append', 'append', 'behead', 'behead', 'release'),
  which: fc.nat({ max: 1_000 }),
  times: fc.array(fc.nat({ max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 40 }),
});

function contents(chains: Chains, { first, model }: Held): number[] {
  const times: number[] = [];
  for (let place = first; times.length < model.length; place = chains.after(place)) times.push(chains.at(place));
  return times;
}

function play(chains: Chains, held: Held[], { kind, which, times }: { kind: string; which: number; times: number[] }) {
  const chain = held[which % Math.max(1, held.length)];
  if (kind === 'begin' || chain === undefined) {
    const [time = 0] = times;
    const place = chains.begin(time);
    held.push({ first: place, last: place, model: [time] });
  } else if (kind === 'append') {
    for (const time of times) chain.last = chains.append(chain.last, time);
    chain.model.push(...times);
  } else if (kind === 'behead') {
    for (let left = Math.min(times.length, chain.model.length - 1); left > 0; left -= 1) {
      chain.first = chains.behead(chain.first);
      chain.model.shift();
    }
  } else {
    chains.release(chain.first, chain.last);
    held.splice(held.indexOf(chain), 1);
  }
}

describe('Chains', () => {
  it('contains the same as one array per chain, however chains grow, shrink and are released', () => {
    fc.assert(
      fc.property(fc.nat({ max: 8 }), fc.array(move, { maxLength: 150 }), (room, moves) => {
        const chains = new Chains(room);
        const held: Held[] = [];
        for (const next of moves) {
          play(chains, held, next);
          for (const chain of held) expect(contents(chains, chain)).toEqual(chain.model);
        }
        for (const { first, model } of held) {
          model.forEach((time, index) => expect(chains.at(chains.ahead(first, index))).toBe(time));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('reuses released blocks before it grows', () => {
    const chains = new Chains();
    const held: Held[] = [];
    const round = () => {
      for (let count = 0; count < 50; count += 1) {
        play(chains, held, { kind: 'begin', which: 0, times: [count] });
        play(chains, held, { kind: 'append', which: count, times: Array.from({ length: count }, () => 7) });
      }
      const bytes = chains.bytes;
      while (held.length > 0) play(chains, held, { kind: 'release', which: 3, times: [0] });
      return bytes;
    };
    const bytes = round();
    for (let count = 0; count < 20; count += 1) expect(round()).toBe(bytes);
  });

  it('moves along in its blocks: a chain that loses a time for each new one never grows', () => {
    const chains = new Chains(2);
    const { bytes } = chains;
    let first = chains.begin(0);
    let last = first;
    for (let time = 1; time < 16; time += 1) last = chains.append(last, time);
    for (let time = 16; time < 10_000; time += 1) {
      last = chains.append(last, time);
      first = chains.behead(first);
      expect(chains.at(first)).toBe(time - 15);
    }
    expect(chains.bytes).toBe(bytes);
  });

  it.each([
    [0, 0],
    [1, 1],
    [16, 1],
    [17, 2],
  ])('%p times take %p blocks, which can be allocated in advance', (times, blocks) => {
    expect(blocksFor(times)).toBe(blocks);
    const chains = new Chains(blocks);
    const { bytes } = chains;
    let last = -1;
    for (let time = 0; time < times; time += 1) last = time === 0 ? chains.begin(time) : chains.append(last, time);
    expect(chains.bytes).toBe(bytes);
  });
});
