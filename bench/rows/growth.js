import { Child } from '../lib/child.js';
import { digits } from '../lib/report.js';
import { alternate, each } from '../lib/rounds.js';
import { filledStore } from '../lib/stores.js';
import { distinctDocuments } from './growth/documents.js';
import { pagesBySize } from './growth/lists.js';
import { serviceBySize } from './growth/service.js';
import { openStreams } from './growth/streams.js';

export const title = 'Growth: keys, entries, workspaces, streams, documents';

export const about = `Stores are filled in bulk with keys and audit entries in the store's own format. Cold verification: 500 keys from all over the
store are verified for the first time. Pages are read from the store, without HTTP, and without a total count. The service is the built
program in a separate process. Requests use up to 10,000 keys in turn, 200 a second; latency is measured from the time at which a request was
due. Memory per key and window is the size of live objects and buffers after a full garbage collection.`;

export const packages = ['libsql', 'mongoose', 'mongodb', 'fastify', '@apollo/server', 'graphql'];

const SAMPLE = 500;
const GC = ['--expose-gc'];

/** @param {import('../run.js').Run} run */
export async function* measure(run) {
  const million = run.quick ? 100_000 : 1_000_000;
  yield* verificationBySize(run, null);
  yield* pagesBySize(run, [1_000, million], null);
  if (run.mongodbUri !== null) {
    yield* verificationBySize(run, run.mongodbUri);
    yield* pagesBySize(run, [1_000, run.quick ? 20_000 : million], run.mongodbUri);
  }
  yield* serviceBySize(run, {
    '1,000 keys and entries': { keys: 1_000, entries: 1_000 },
    [`${digits(million)} keys and entries`]: { keys: million, entries: million },
  });
  const workspaces = million / 10;
  yield* serviceBySize(run, {
    '1,000 workspaces': { keys: 1_000, workspaces: 1_000 },
    [`${digits(workspaces)} workspaces`]: { keys: workspaces, workspaces },
  });
  yield* openStreams(run, run.quick ? 1_000 : 10_000);
  yield* distinctDocuments(run, run.quick ? 1_000 : 10_000);
  yield* bytesOfKey(run);
  yield* bytesOfWindow(run);
}

async function* verificationBySize({ rounds, quick }, mongodbUri) {
  // A million documents take some compatible engines longer to settle than a run may take.
  const sizes = [1_000, mongodbUri === null ? (quick ? 100_000 : 1_000_000) : quick ? 20_000 : 100_000];
  const subjects = {};
  for (const size of sizes) {
    const name = `${digits(size)} keys`;
    const { address, tokens } = await filledStore({ keys: size, entries: size }, mongodbUri);
    const step = tokens.length / (2 * SAMPLE);
    const drawn = Array.from({ length: 2 * SAMPLE }, (_, i) => tokens[Math.floor(i * step)]);
    const options = { kind: 'latchkey', name, address, tokens: shuffled(drawn) };
    const child = await Child.start('verification', options);
    subjects[name] = () => child.call('cold', SAMPLE);
  }
  for (const subject of Object.values(subjects)) await subject();
  const samples = await alternate(rounds, subjects);
  const names = Object.keys(subjects);
  const place = mongodbUri === null ? 'SQLite' : 'MongoDB';
  const common = { unit: 'ms', ours: names.at(-1), goals: [{ against: names[0], atMost: 1.5 }] };
  yield { ...common, what: `Cold verification (p50), ${place}`, samples: each(samples, ({ p50 }) => p50) };
  yield { ...common, what: `Cold verification (p99), ${place}`, samples: each(samples, ({ p99 }) => p99), goals: [] };
}

async function* bytesOfKey({ rounds, quick }) {
  const keys = quick ? 2_000 : 10_000;
  const { address, tokens } = await filledStore(keys + 500);
  const child = await Child.start('verification', { kind: 'latchkey', name: 'remembered', address, tokens }, GC);
  await child.call('remembered', 1_000);
  const samples = await alternate(rounds, { 'a cached key': () => child.call('remembered', keys - 1) });
  yield { what: 'Memory per verified key', unit: 'bytes', ours: 'a cached key', samples };
}

async function* bytesOfWindow({ rounds, quick }) {
  const child = await Child.start('windows', {}, GC);
  const families = quick ? 1_000 : 5_000;
  const admissions = [1, 20, 100, 500];
  const subjects = Object.fromEntries(admissions.map((count) => [count, () => child.call('windows', families, count)]));
  for (const subject of Object.values(subjects)) await subject();
  const samples = await alternate(rounds, subjects);
  for (const count of admissions) {
    const ours = 'a window';
    yield {
      what: `Memory per window with ${count} admitted in the last minute`,
      unit: 'bytes',
      ours,
      samples: { [ours]: samples[count].map(({ active }) => active) },
      goals: [{ atMost: 4 * count + 200 }],
    };
  }
  const left = samples[admissions.at(-1)].map(({ idle }) => Math.max(0, idle));
  yield { what: 'Memory per window after it was idle', unit: 'bytes', ours: 'a window', samples: { 'a window': left } };
}

/** In an order that is unrelated to the order of storing, but the same in each run. */
function shuffled(list) {
  let state = 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  return list
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
