import { Child } from '../lib/child.js';
import { temporaryDatabase } from '../lib/mongo.js';
import { alternate, each } from '../lib/rounds.js';
import { filledStore } from '../lib/stores.js';

export const title = 'Verification alone';

export const about = `A key is verified in a process of its own, without a server, one verification after the other. "again"
is one key over and over, as a busy client's is. "cold" is each of many keys for the first time after a start: one read of the
store, and no bcrypt, since a digest is stored. better-auth holds one key, which in memory suits it best: its adapter looks
through all of them.`;

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
  yield { what: 'Again', unit: 'µs a verification', ours: OURS, samples, goals: [{ atMost: 5 }] };
  yield {
    what: 'Again',
    unit: 'verifications a second',
    ours: OURS,
    samples: each(samples, (microseconds) => 1e6 / microseconds),
  };

  for (const [name, child] of Object.entries(latchkey)) {
    const { [name]: times } = await alternate(rounds, { [name]: () => child.call('cold', cold) });
    yield {
      what: `Cold, half of ${cold} keys (p50)${name === OURS ? ', SQLite' : ', MongoDB'}`,
      unit: 'ms',
      ours: name,
      samples: each({ [name]: times }, ({ p50 }) => p50),
    };
    yield {
      what: `Cold, slowest 1 % of ${cold} keys (p99)${name === OURS ? ', SQLite' : ', MongoDB'}`,
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
