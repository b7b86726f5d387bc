import { Child } from '../lib/child.js';
import { temporaryDatabase } from '../lib/mongo.js';
import { alternate, each } from '../lib/rounds.js';
import { filledStore } from '../lib/stores.js';

export const title = 'Key verification';

export const about = `Verifies keys in a separate process, without a server, one at a time. "Again" verifies the same key repeatedly, like the key of a
busy client. "Cold" verifies each of many keys for the first time after a start: one read of the store, and no bcrypt, because a
digest is stored. better-auth stores only one key. In memory this is its best case, because its adapter searches all keys.`;

export const packages = [
  'better-auth',
  '@better-auth/api-key',
  '@better-auth/mongo-adapter',
  'libsql',
  'mongoose',
  'mongodb',
];

const OURS = 'Latchkey';

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick, mongodbUri }) {
  const cold = quick ? 2_000 : 10_000;
  const store = (uri) => filledStore(cold + 500, uri);
  const latchkey = { [OURS]: await start(OURS, await store(null)) };
  if (mongodbUri !== null)
    latchkey['Latchkey on MongoDB'] = await start('Latchkey on MongoDB', await store(mongodbUri));
  const betterAuth = { 'better-auth, memory': await startBetterAuth('better-auth, memory') };
  if (mongodbUri !== null) {
    const uri = temporaryDatabase(mongodbUri);
    betterAuth['better-auth, MongoDB'] = await startBetterAuth('better-auth, MongoDB', uri);
  }

  const again = (child, times) => () => child.call('again', times);
  const subjects = Object.entries({ ...latchkey, ...betterAuth }).map(([name, child]) => {
    const times = name in latchkey ? 100_000 : 1_000;
    return [name, again(child, quick ? times / 4 : times)];
  });
  for (const [, subject] of subjects) await subject();
  const samples = await alternate(rounds, Object.fromEntries(subjects));
  yield { what: 'Again', unit: 'µs per verification', ours: OURS, samples, goals: [{ atMost: 5 }] };
  yield {
    what: 'Again',
    unit: 'verifications per second',
    ours: OURS,
    samples: each(samples, (microseconds) => 1e6 / microseconds),
  };

  for (const [name, child] of Object.entries(latchkey)) {
    const { [name]: times } = await alternate(rounds, { [name]: () => child.call('cold', cold) });
    yield {
      what: `Cold, ${cold} keys (p50)${name === OURS ? ', SQLite' : ', MongoDB'}`,
      unit: 'ms',
      ours: name,
      samples: each({ [name]: times }, ({ p50 }) => p50),
    };
    yield {
      what: `Cold, ${cold} keys (p99)${name === OURS ? ', SQLite' : ', MongoDB'}`,
      unit: 'ms',
      ours: name,
      samples: each({ [name]: times }, ({ p99 }) => p99),
      goals: [{ atMost: 5 }],
    };
  }
}

function start(name, { address, tokens }) {
  return Child.start('verification', { kind: 'latchkey', name, address, tokens });
}

function startBetterAuth(name, mongodbUri) {
  return Child.start('verification', { kind: 'betterAuth', name, mongodbUri });
}
