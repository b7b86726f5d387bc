import { Child } from '../lib/child.js';
import { alternate } from '../lib/rounds.js';

export const title = 'Cost';

export const about = `The cost of operations by @cost and @listSize, without HTTP. \`status\` returns one object, \`orders\` 50 of them, \`items\` 100 with ten
items each, and \`filter\` has an input object as a variable. The last table shows whether cost units are proportional to work.`;

export const packages = ['graphql'];

const KINDS = ['status', 'orders', 'items', 'filter'];

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const times = quick ? 20_000 : 100_000;
  const children = {};
  for (const kind of KINDS) children[kind] = await Child.start('cost', { name: kind, kind });
  const samplesOf = async (call, count) => {
    const subjects = Object.fromEntries(KINDS.map((kind) => [kind, () => children[kind].call(call, count)]));
    for (const subject of Object.values(subjects)) await subject();
    return alternate(rounds, subjects);
  };
  yield {
    what: 'Estimate for a known document with its variables',
    unit: 'µs',
    ours: 'items',
    samples: await samplesOf('estimate', times * 10),
  };
  yield {
    what: 'Cost of the response',
    unit: 'µs',
    ours: 'items',
    samples: await samplesOf('measure', times / 100),
  };
  yield {
    what: 'Execution, for each cost unit',
    unit: 'µs',
    ours: 'items',
    samples: await samplesOf('execute', times / 100),
  };
}
