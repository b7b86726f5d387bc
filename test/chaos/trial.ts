import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asked } from '../server/redis/load.js';
import { until } from '../support/until.js';
import { expectDocumented, expectExact, expectStored, RECOVERY } from './checks.js';
import type { Fleet, Reply } from './fleet.js';
import { startAskers, startRevocations, startWriters, type Revocations } from './work.js';

const BEFORE = 1_500;
const AFTER = RECOVERY + 1_500;

/** Observations of a fleet during a fault. */
export interface Trial {
  /** The duration of the fault, on the clock of the replies. */
  readonly began: number;
  readonly ended: number;
  readonly small: readonly (Asked & Reply)[];
  readonly large: readonly (Asked & Reply)[];
  readonly written: readonly string[];
  readonly revocations: Revocations;
}

/**
 * Puts load on all members before, during and after a fault: keys that use up their one-minute or one-second window,
 * creations, and revocations of keys in use. Expects for every fault that limits are exact, that no request within the
 * limits is refused later than two seconds after the fault, that no acknowledged change is lost, and that no revoked
 * key is accepted too late.
 */
export async function goThrough(fleet: Fleet, fault: () => Promise<unknown>): Promise<Trial> {
  await until(async () => (await Promise.all(fleet.members.map(isReady))).every(Boolean));
  const [small, large, ops] = [
    await fleet.tenant('STARTER'),
    await fleet.tenant('ENTERPRISE'),
    await fleet.tenant('GROWTH'),
  ];
  const stops = [startAskers(fleet, small, 2, 15), startAskers(fleet, large, 3, 5)] as const;
  const stopWriters = startWriters(fleet, ops);
  const stopRevocations = startRevocations(fleet, ops);
  await delay(BEFORE);
  const began = performance.now();
  await fault();
  const ended = performance.now();
  await delay(AFTER);
  const trial = {
    began,
    ended,
    small: await stops[0](),
    large: await stops[1](),
    written: await stopWriters(),
    revocations: await stopRevocations(),
  };
  report(trial);
  for (const { child } of fleet.members)
    if (child.process.exitCode !== null || child.process.signalCode !== null)
      throw new Error(
        `A process ended (${child.process.exitCode ?? child.process.signalCode}): ${child.output().stderr}`,
      );
  expectExact(trial.small, 'STARTER', ended);
  expectExact(trial.large, 'ENTERPRISE', ended);
  expectDocumented([...trial.small, ...trial.large]);
  expect(trial.revocations.late).toEqual([]);
  expect(trial.revocations.acknowledged).toBeGreaterThan(0);
  expect(trial.written.length).toBeGreaterThan(0);
  await expectStored(fleet, ops, trial.written);
  return trial;
}

async function isReady({ origin }: { readonly origin: string }): Promise<boolean> {
  const response = await fetch(`${origin}/readyz`);
  await response.text();
  return response.ok;
}

/** Prints the figures of a trial, for docs/reference/failures.md. */
function report({ began, ended, small, large, written, revocations }: Trial): void {
  const all = [...small, ...large];
  const count = (outcome: Asked['outcome']): number => all.filter((one) => one.outcome === outcome).length;
  const unavailable = all.filter(({ outcome }) => outcome === 'unavailable');
  const last = Math.max(0, ...unavailable.map(({ received }) => received - ended));
  const longest = Math.max(0, ...all.map(({ sent, received }) => received - sent));
  process.stdout.write(
    `${expect.getState().currentTestName}: fault of ${Math.round(ended - began)} ms; ${count('admitted')} admitted, ` +
      `${count('refused')} refused, ${unavailable.length} unavailable, the last ${Math.round(last)} ms after its end; ` +
      `longest answer ${Math.round(longest)} ms; ${written.length} keys written, ${revocations.acknowledged} revoked\n`,
  );
}
