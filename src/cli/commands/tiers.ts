import { Option, type Command } from 'commander';
import { isTierName } from '../../core/limits/tierNames.js';
import type { Api } from '../api.js';
import { asking, nameOf, type AskingOptions } from '../commandOptions.js';
import { described } from '../describe.js';
import { usage } from '../exit.js';
import type { Column } from '../table.js';
import { talk } from '../talk.js';
import { operation } from '../typedOperation.js';
import { costName, creditsName, quotaName, type TierCost, type TierCredits, type TierQuota } from './quotaText.js';

interface WindowLimits {
  readonly perMinute: number;
  readonly perSecond: number;
}

interface Tier {
  readonly tier: string;
  readonly keys: number | null;
  readonly adminKeys: number | null;
  readonly perMinute: number;
  readonly perSecond: number;
  readonly streams: number;
  readonly categories: readonly ({ readonly category: string } & WindowLimits)[];
  /** The limits that the keys of an owner, a project or a workspace share. */
  readonly owner: WindowLimits | null;
  readonly project: WindowLimits | null;
  readonly workspace: WindowLimits | null;
  readonly quotas: readonly (TierQuota & { readonly subject: string })[];
  readonly credits: TierCredits | null;
  readonly cost: TierCost | null;
}

const SHARED_BY = ['owner', 'project', 'workspace'] as const;

const TIERS = operation<{ readonly tiers: readonly Tier[] }>(
  `query Tiers {
    tiers {
      tier keys adminKeys perMinute perSecond streams
      categories { category perMinute perSecond }
      owner { perMinute perSecond } project { perMinute perSecond } workspace { perMinute perSecond }
      quotas { subject window unit limit anchorDay }
      credits { subject unit refill { amount every anchorDay } }
      cost { max perMinute perSecond }
    }
  }`,
);

const NAMES = operation<{ readonly tiers: readonly Pick<Tier, 'tier'>[] }>('query TierNames { tiers { tier } }');

const COLUMNS: readonly Column<Tier>[] = [
  { title: 'TIER', text: ({ tier }) => tier },
  { title: 'KEYS', text: ({ keys }) => countOf(keys), right: true },
  { title: 'ADMIN KEYS', text: ({ adminKeys }) => countOf(adminKeys), right: true },
  { title: 'PER MINUTE', text: ({ perMinute }) => String(perMinute), right: true },
  { title: 'PER SECOND', text: ({ perSecond }) => String(perSecond), right: true },
  { title: 'STREAMS', text: ({ streams }) => String(streams), right: true },
  {
    title: 'CATEGORIES',
    text: ({ categories }) => categories.map((each) => windowsOf(each.category, each)).join(', '),
  },
  { title: 'SHARED', text: sharedBy },
  { title: 'QUOTAS', text: quotasIn },
  { title: 'CREDITS', text: ({ credits }) => (credits === null ? '' : creditsName(credits)) },
  { title: 'COST', text: ({ cost }) => (cost === null ? '' : costName(cost)) },
];

/** Lists the tiers of the server and their limits. */
export function tiersCommand(): Command {
  const command = described({
    name: 'tiers',
    description: 'List the tiers and their limits, the smallest first. Needs no key.',
    example: 'latchkey tiers --json',
  });
  command.addOption(
    new Option('--names', 'print only the names, in the form that commands take, one per line').conflicts('json'),
  );
  return asking(command).action(async (options: AskingOptions & { readonly names?: true }) => {
    await talk(
      options,
      async ({ ask, show, table, terminal }) => {
        if (options.names === true) {
          terminal.out(namesOf((await ask(NAMES)).tiers).join('\n'));
          return;
        }
        const { tiers } = await ask(TIERS);
        show({ tiers }, () => table(terminal, columnsFor(tiers), tiers));
      },
      { keyless: true },
    );
  });
}

/** Runs an operation with a tier. @throws Failure that lists the tiers, if the server doesn't have this one */
export async function withTier<T>(
  { ask }: Pick<Api, 'ask'>,
  wanted: string | undefined,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (wanted === undefined || (error as { readonly code?: unknown }).code !== 'BAD_USER_INPUT') throw error;
    const { tiers } = await ask(NAMES);
    if (tiers.some(({ tier }) => tier === wanted)) throw error;
    const names = tiers.map(({ tier }) => nameOf(tier)).join(', ');
    throw usage(`There is no tier ${nameOf(wanted)}. Allowed: ${names}.`);
  }
}

/** Returns the names of tiers as commands take them. A shell evaluates them in completions, so it gets no other text. */
function namesOf(tiers: readonly Pick<Tier, 'tier'>[]): readonly string[] {
  return tiers.flatMap(({ tier }) => (isTierName(tier) ? [nameOf(tier)] : []));
}

/** Returns the columns, without those that are empty in each row. */
function columnsFor(tiers: readonly Tier[]): readonly Column<Tier>[] {
  return COLUMNS.filter(({ text }) => tiers.some((tier) => text(tier) !== ''));
}

function quotasIn({ quotas }: Tier): string {
  return quotas.map((quota) => `${quota.subject.toLowerCase()} ${quotaName(quota)}`).join(', ');
}

function countOf(keys: number | null): string {
  return keys === null ? 'unlimited' : String(keys);
}

function sharedBy(tier: Tier): string {
  return SHARED_BY.flatMap((of) => {
    const limits = tier[of];
    return limits === null ? [] : [windowsOf(of, limits)];
  }).join(', ');
}

function windowsOf(name: string, { perMinute, perSecond }: WindowLimits): string {
  return `${name} ${perMinute}/min ${perSecond}/s`;
}
