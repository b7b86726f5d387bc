import { Child } from '../lib/child.js';
import { alternate } from '../lib/rounds.js';

export const title = 'The guard alone';

export const about = `graphql-js executes an operation of one object with 50 fields, all of them guarded, without HTTP, parsing
or validation; all that is asked for is allowed. Before it Latchkey's plugin judges the operation as a whole, which is a
figure of its own.`;

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
    what: 'An operation of 50 guarded fields, executed',
    unit: 'µs',
    ours: 'Latchkey',
    samples: await samplesOf('execute'),
  };

  const { Latchkey: child } = children;
  const judged = await alternate(rounds, {
    'judged before': () => child.call('judge', times * 10),
    'judged for the first time': () => child.call('compile', times),
  });
  yield { what: "The plugin's judgement of that operation", unit: 'µs', ours: 'judged before', samples: judged };
}
