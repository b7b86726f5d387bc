import { creditsAdded } from '../entries.js';
import {
  addition,
  afterLease,
  crossed,
  grantOf,
  NO_BALANCE,
  refilled,
  returned,
  type BalanceState,
  type CounterState,
  type Remembered,
} from '../quotaRules.js';
import {
  COUNTERS_KEPT,
  type BalanceRecord,
  type CounterRecord,
  type CreditLease,
  type Leased,
  type QuotaLease,
  type QuotaStore,
} from '../quotaStore.js';
import type { Audit } from './audit.js';
import type { Connection } from './connection.js';
import type { SqliteKeys } from './keys.js';

/** The maximum number of ended counters that one lease removes. */
const SWEPT = 20;

type BalanceRow = BalanceState & { readonly additions: string };

const NO_ROW: BalanceRow = { ...NO_BALANCE, additions: '[]' };

export function openQuotas(connection: Connection, keys: SqliteKeys, audit: Audit): QuotaStore {
  const counter = connection.prepare<CounterState>(
    'SELECT start, "end", taken, told FROM quotaCounters WHERE id = $id',
  );
  const saveCounter = connection.prepare(
    `INSERT INTO quotaCounters (id, start, "end", taken, told) VALUES ($id, $start, $end, $taken, $told)
     ON CONFLICT (id) DO UPDATE SET start = excluded.start, "end" = excluded."end", taken = excluded.taken, told = excluded.told`,
  );
  const returnToCounter = connection.prepare(
    'UPDATE quotaCounters SET taken = max(0, taken - $amount) WHERE id = $id AND start = $start',
  );
  const sweep = connection.prepare(
    `DELETE FROM quotaCounters WHERE id IN (SELECT id FROM quotaCounters WHERE "end" <= $past LIMIT ${SWEPT})`,
  );
  const balance = connection.prepare<BalanceRow>(
    'SELECT balance, refilledAt, refilledBefore, raised, additions FROM credits WHERE id = $id',
  );
  const saveBalance = connection.prepare(
    `INSERT INTO credits (id, workspaceId, balance, refilledAt, refilledBefore, raised, additions)
     VALUES ($id, $workspaceId, $balance, $refilledAt, $refilledBefore, $raised, $additions)
     ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, refilledAt = excluded.refilledAt,
       refilledBefore = excluded.refilledBefore, raised = excluded.raised,
       additions = excluded.additions`,
  );
  const counters = connection.prepare<CounterRecord>(
    'SELECT id, start, taken FROM quotaCounters WHERE id IN (SELECT value FROM json_each($ids))',
  );
  const balances = connection.prepare<BalanceRecord>(
    'SELECT id, balance, refilledAt FROM credits WHERE id IN (SELECT value FROM json_each($ids))',
  );

  const leaseQuota = (lease: QuotaLease): Leased => {
    const { id } = lease;
    const before = counter.one({ id });
    const { after, granted } = afterLease(before, lease);
    const { start, end, taken, told } = after;
    const toldBefore = before?.start === start ? before.told : 0;
    if (granted > 0 || told > toldBefore) saveCounter.run({ id, start, end, taken, told });
    return { granted, left: lease.limit - taken, start, end, crossed: crossed(toldBefore, told) };
  };

  const leaseCredits = (lease: CreditLease): Leased => {
    const { id, workspaceId } = lease;
    const { additions, ...before } = balance.one({ id }) ?? NO_ROW;
    const due = refilled(before, lease.refill);
    const granted = grantOf(due.balance, lease);
    const left = due.balance - granted;
    if (granted > 0 || due !== before) saveBalance.run({ id, workspaceId, ...due, balance: left, additions });
    return { granted, left, start: due.refilledAt, end: null, crossed: [] };
  };

  return {
    async lease(leases, now) {
      return connection.transaction(() => {
        const leased = leases.map((lease) => (lease.kind === 'quota' ? leaseQuota(lease) : leaseCredits(lease)));
        sweep.run({ past: now - COUNTERS_KEPT });
        return leased;
      });
    },
    async giveBack(unused) {
      connection.transaction(() => {
        for (const { kind, id, workspaceId, start, amount } of unused) {
          if (kind === 'quota') {
            returnToCounter.run({ id, start, amount });
            continue;
          }
          const row = balance.one({ id });
          if (row !== null) saveBalance.run({ id, workspaceId, ...row, ...returned(row, start, amount) });
        }
      });
    },
    async counters(ids) {
      return counters.all({ ids: JSON.stringify(ids) });
    },
    async balances(ids) {
      return balances.all({ ids: JSON.stringify(ids) });
    },
    async addCredits(given, author) {
      return connection.transaction(() => {
        const { id, workspaceId } = given;
        const { additions, ...before } = balance.one({ id }) ?? NO_ROW;
        const decided = addition(before, JSON.parse(additions) as Remembered[], given);
        if (decided.outcome !== 'added') return decided;
        if (keys.judgedForfeit(author) !== null) return 'authorEnded';
        saveBalance.run({ id, workspaceId, ...decided.after, additions: JSON.stringify(decided.additions) });
        audit.add(creditsAdded(given, [before.balance, decided.after.balance], author));
        return { outcome: 'added', balance: decided.after.balance };
      });
    },
  };
}
