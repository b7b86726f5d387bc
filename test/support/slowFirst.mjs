import Sequencer from '@jest/test-sequencer';

/**
 * The slowest files, the slowest first. Jest knows their times from its last run, but a clean clone has none. If one of
 * them started last, the other cores would be idle.
 */
const SLOWEST = [
  'matrix/matrix',
  'client/growth',
  'package/tarball',
  'dashboard/search',
  'dashboard/pages',
  'dashboard/signIn',
  'dashboard/keys',
  'client/pacing',
  'tracing/tracing',
  'http/rollingRestart',
  'caches/flood',
  'settings/startFaults',
  'store/mongoPlans',
  'store/mongo',
  'redis/faults',
  'cli/files',
  'cli/find',
  'cli/serverAddress',
  'cli/scan',
  'http/authors',
  'cluster/connections',
  'cluster/limits',
];

const rank = ({ path }) => {
  const index = SLOWEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return index === -1 ? SLOWEST.length : index;
};

export default class SlowFirst extends Sequencer {
  /** Stable: the other files keep Jest's order. */
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
