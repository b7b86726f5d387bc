import type { PipelineStage } from 'mongoose';
import { creditsAdded } from '../entries.js';
import { addition, crossed, NO_BALANCE } from '../quotaRules.js';
import {
  THRESHOLDS,
  type CreditLease,
  type Leased,
  type QuotaLease,
  type QuotaStore,
  type Unused,
} from '../quotaStore.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents } from './documents.js';
import type { Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry } from './ledger.js';
import type { CounterDocument, CreditsDocument } from './quotaSchemas.js';

type Stages = PipelineStage[] & Parameters<Documents<CounterDocument>['update']>[1];

interface QuotaDocuments {
  readonly counters: Documents<CounterDocument>;
  readonly credits: Documents<CreditsDocument>;
  readonly intents: Intents;
}

export function openQuotas({ counters, credits, intents }: QuotaDocuments): QuotaStore {
  const leaseQuota = async (lease: QuotaLease): Promise<Leased> => {
    const { id: _id, start, end, limit } = lease;
    const update = (): Promise<CounterDocument | null> => counters.update({ _id: eq(_id) }, quotaStages(lease));
    const leased =
      (await update()) ??
      (await inserted(counters, { _id, start, end: new Date(end), taken: 0, told: 0 }).then(update));
    if (leased === null) return { granted: 0, left: 0, start, end, crossed: [] };
    return {
      granted: leased.granted ?? 0,
      left: limit - leased.taken,
      start: leased.start,
      end: leased.end.getTime(),
      crossed: crossed(leased.toldBefore ?? 0, leased.told),
    };
  };

  const leaseCredits = async (lease: CreditLease): Promise<Leased> => {
    const { id: _id, workspaceId, refill } = lease;
    const update = (): Promise<CreditsDocument | null> =>
      credits.update({ _id: eq(_id) }, creditStages(lease), { fields: ['balance', 'refilledAt', 'granted'] });
    let leased = await update();
    // Without a refill, a balance without a document is 0.
    if (leased === null && refill !== null) {
      leased = await inserted(credits, { _id, workspaceId, ...NO_BALANCE, additions: [] }).then(update);
    }
    const { granted = 0, balance: left = 0, refilledAt: start = 0 } = leased ?? {};
    return { granted, left, start, end: null, crossed: [] };
  };

  const giveBack = async ({ kind, id, start, amount }: Unused): Promise<void> => {
    if (kind === 'quota') {
      const taken = { $max: [0, { $subtract: ['$taken', amount] }] };
      await counters.update({ _id: eq(id), start: eq(start) }, [{ $set: { taken } }]);
      return;
    }
    await credits.update({ _id: eq(id), refilledBefore: where({ $lte: start }) }, returnStages(start, amount), {
      fields: ['_id'],
    });
  };

  return {
    async lease(leases) {
      return Promise.all(leases.map((lease) => (lease.kind === 'quota' ? leaseQuota(lease) : leaseCredits(lease))));
    },
    async giveBack(unused) {
      await Promise.all(unused.map(giveBack));
    },
    async counters(ids) {
      const found = await counters.find({ _id: where({ $in: ids }) }, { fields: ['start', 'taken'] });
      return found.map(({ _id: id, start, taken }) => ({ id, start, taken }));
    },
    async balances(ids) {
      const found = await credits.find({ _id: where({ $in: ids }) }, { fields: ['balance', 'refilledAt'] });
      return found.map(({ _id: id, balance, refilledAt }) => ({ id, balance, refilledAt }));
    },
    async addCredits(given, author) {
      const { id: _id, workspaceId } = given;
      for (;;) {
        const document = await credits.findOne({ _id: eq(_id) });
        if (document === null) {
          await inserted(credits, { _id, workspaceId, ...NO_BALANCE, additions: [] });
          continue;
        }
        await intents.finishCredits(document);
        const { balance, refilledAt, refilledBefore, raised, additions } = document;
        const decided = addition({ balance, refilledAt, refilledBefore, raised }, additions, given);
        if (decided.outcome !== 'added') return decided;
        if ((await intents.judgedForfeit(author)) !== null) return 'authorEnded';
        const { after } = decided;
        const changed = await credits.update(
          { _id: eq(_id), balance: eq(balance), refilledAt: eq(refilledAt), raised: eq(raised), ...withoutEntry() },
          {
            $set: {
              ...after,
              additions: decided.additions,
              entry: toEntry(creditsAdded(given, [balance, after.balance], author)),
            },
          },
        );
        if (changed === null) continue;
        await intents.finishCredits(changed);
        return { outcome: 'added', balance: after.balance };
      }
    },
  };
}

/** Adds the document of a counter. Another process may do so at the same time. */
async function inserted<T extends object>(documents: Documents<T>, document: T): Promise<void> {
  try {
    await documents.insert(document);
  } catch (error) {
    if (!(error instanceof Duplicate)) throw error;
  }
}

/** The stages of {@link afterLease}. */
function quotaStages({ start, end, limit, least, most }: QuotaLease): Stages {
  const isCurrent = { $gte: ['$start', start] };
  const current = (field: string, initial: unknown) => ({ $cond: [isCurrent, field, initial] });
  const percent = THRESHOLDS.map((each) => ({
    case: { $gte: [{ $multiply: ['$taken', 100] }, limit * each] },
    then: each,
  })).reverse();
  return [
    {
      $set: {
        start: current('$start', start),
        end: current('$end', new Date(end)),
        taken: current('$taken', 0),
        told: current('$told', 0),
      },
    },
    { $set: { granted: granting({ $subtract: [limit, '$taken'] }, least, most), toldBefore: '$told' } },
    { $set: { taken: { $add: ['$taken', '$granted'] } } },
    { $set: { told: { $max: ['$told', { $switch: { branches: percent, default: 0 } }] } } },
  ];
}

/** The stages of {@link refilled}, and of a lease. */
function creditStages({ refill, least, most }: CreditLease): Stages {
  const isDue = refill === null ? null : { $lt: ['$refilledAt', refill.at] };
  const refilling: Stages =
    refill === null
      ? []
      : [
          {
            $set: {
              balance: { $cond: [isDue, { $max: ['$balance', refill.amount] }, '$balance'] },
              raised: { $cond: [isDue, { $max: [0, { $subtract: [refill.amount, '$balance'] }] }, '$raised'] },
              refilledBefore: { $cond: [isDue, '$refilledAt', '$refilledBefore'] },
              refilledAt: { $max: ['$refilledAt', refill.at] },
            },
          },
        ];
  return [
    ...refilling,
    { $set: { granted: granting('$balance', least, most) } },
    { $set: { balance: { $subtract: ['$balance', '$granted'] } } },
  ];
}

/** The stages of {@link returned}. */
function returnStages(start: number, amount: number): Stages {
  const covered = { $cond: [{ $gt: ['$refilledAt', start] }, { $min: ['$raised', amount] }, 0] };
  return [
    {
      $set: {
        balance: { $subtract: [{ $add: ['$balance', amount] }, covered] },
        raised: { $subtract: ['$raised', covered] },
      },
    },
  ];
}

/** The expression of {@link grantOf}. */
function granting(left: unknown, least: number, most: number): object {
  return { $cond: [{ $lt: [left, least] }, 0, { $min: [most, left] }] };
}
