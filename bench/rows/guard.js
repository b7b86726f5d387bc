import { Child } from '../lib/child.js';
import { alternate } from '../lib/rounds.js';

export const title = 'Guard';

export const about = `graphql-js executes an operation that selects one object with 50 guarded fields, all of them allowed, without HTTP, parsing or
validation. Before the execution, Latchkey's plugin authorizes the whole operation. The second table shows this separately.`;

export const packages = ['graphql', 'graphql-shield', 'graphql-middleware', '@graphql-tools/utils'];

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const kinds = {
    Latchkey: 'latchkey',
    'no guard': 'plain',
    'graphql-shield': 'shield',
    'mapSchema directive': 'directive',
  };
  const times = quick ? 2_000 : 10_000;
  const children = {};
  for (const [name, kind] of Object.entries(kinds)) children[name] = await Child.start('guard', { name, kind });
  const samplesOf = async (call) => {
    const subjects = Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, () => child.call(call, times)]),
    );
    for (const subject of Object.values(subjects)) await subject();
    return alternate(rounds, subjects);
  };
  yield {
    what: 'Execution of an operation with 50 guarded fields',
    unit: 'µs',
    ours: 'Latchkey',
    samples: await samplesOf('execute'),
  };

  const { Latchkey: child } = children;
  const judged = await alternate(rounds, {
    cached: () => child.call('judge', times * 10),
    'for the first time': () => child.call('compile', times),
  });
  yield { what: 'Authorization of that operation by the plugin', unit: 'µs', ours: 'cached', samples: judged };
}
