import type { Command } from 'commander';
import type { Api } from '../api.js';
import { asking, nameOf, type AskingOptions } from '../commandOptions.js';
import { described } from '../describe.js';
import { usage } from '../exit.js';
import type { Column } from '../table.js';
import { talk } from '../talk.js';
import { operation } from '../typedOperation.js';

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
}

const SHARED_BY = ['owner', 'project', 'workspace'] as const;

const TIERS = operation<{ readonly tiers: readonly Tier[] }>(
  `query Tiers {
    tiers {
      tier keys adminKeys perMinute perSecond streams
      categories { category perMinute perSecond }
      owner { perMinute perSecond } project { perMinute perSecond } workspace { perMinute perSecond }
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
];

/** Lists the tiers of the server and their limits. */
export function tiersCommand(): Command {
  const command = described({
    name: 'tiers',
    description: 'List the tiers and their limits, the smallest first. Needs no key.',
    example: 'latchkey tiers --json',
  });
  return asking(command).action(async (options: AskingOptions) => {
    await talk(
      options,
      async ({ ask, show, table, terminal }) => {
        const { tiers } = await ask(TIERS);
        show({ tiers }, () => table(terminal, COLUMNS, tiers));
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
    throw usage(`There is no tier ${nameOf(wanted)}. Allowed are ${names}.`);
  }
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
