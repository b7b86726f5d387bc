import { Child } from '../lib/child.js';
import { temporaryDatabase } from '../lib/mongo.js';
import { alternate } from '../lib/rounds.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Creation and rotation of keys';

export const about = `Creates and rotates keys in a separate process, without a server and without a limit of creations: one at a time, 32 at the same
time, and 1,000 with one call of \`createApiKeys\` (200 at bcrypt cost 10). Each change is written to the disk and to the audit log of its
workspace. At cost 10, bcrypt takes most of the time; at cost 4, the store does.`;

export const packages = ['libsql', 'mongoose', 'mongodb', 'bcrypt'];

const AT_ONCE = 32;
/** Keys of a round at each cost of bcrypt. */
const COUNTS = { 4: { many: 320, bulk: 1_000 }, 10: { many: 64, bulk: 200 } };

/** @param {import('../run.js').Run} run */
export async function* measure(run) {
  yield* onEngine(run, null);
  if (run.mongodbUri !== null) yield* onEngine(run, run.mongodbUri);
}

async function* onEngine({ rounds, quick }, mongodbUri) {
  const engine = mongodbUri === null ? 'SQLite' : 'MongoDB';
  for (const bcryptCost of [10, 4]) {
    const start = (workspaces) => {
      const uri = mongodbUri === null ? null : temporaryDatabase(mongodbUri);
      const address = { dataDir: temporaryDirectory(), mongodbUri: uri };
      return Child.start('creation', { address, workspaces, bcryptCost });
    };
    const [one, many] = [await start(1), await start(AT_ONCE)];
    const { many: count, bulk } = COUNTS[bcryptCost];
    const part = quick ? 4 : 1;
    const subjects = {
      'one at a time': () => one.call('create', count / 8 / Math.min(part, 2), 1),
      'in one workspace': () => one.call('create', count / part, AT_ONCE),
      [`in ${AT_ONCE} workspaces`]: () => many.call('create', count / part, AT_ONCE),
      'with one call': () => one.call('createMany', bulk / part),
      'rotations in one workspace': () => one.call('rotate', count / part, AT_ONCE),
      [`rotations in ${AT_ONCE} workspaces`]: () => many.call('rotate', count / part, AT_ONCE),
    };
    for (const subject of Object.values(subjects)) await subject();
    yield {
      what: `Keys per second, bcrypt cost ${bcryptCost}, ${engine}`,
      unit: 'keys per second',
      ours: 'in one workspace',
      samples: await alternate(Math.min(rounds, 5), subjects),
    };
    await one.stop();
    await many.stop();
  }
}
