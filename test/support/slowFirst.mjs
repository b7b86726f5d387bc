import Sequencer from '@jest/test-sequencer';

/**
 * The slowest files, the slowest first. Jest knows their times from its last run, but a clean clone has none. If one of
 * them started last, the other cores would be idle.
 */
export const SLOWEST = [
  'server/settings/startFaults',
  'client/pacing',
  'client/growth',
  'matrix/matrix',
  'package/tarball',
  'e2e/rollingRestart',
  'server/tracing/tracing',
  'dashboard/search',
  'dashboard/pages',
  'dashboard/signIn',
  'dashboard/keys',
  'caches/flood',
  'core/store/mongoPlans',
  'core/store/mongo',
  'cli/unexpected',
  'cli/files',
  'cli/service',
  'cli/find',
  'cli/serverAddress',
  'cli/scan',
  'management/import/command',
  'management/import/http',
  'server/cluster/process',
  'server/cluster/connections',
  'server/cluster/limits',
  'server/redis/processes',
  'server/redis/faults',
  'docs/prose',
  'e2e/authors',
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
