import { InvalidArgumentError, Option } from 'commander';

/** A quota as the API takes it. */
export interface GivenQuota {
  readonly window: string;
  readonly unit: string;
  /** null if unlimited. */
  readonly limit: number | null;
  readonly anchorDay?: number;
}

const FORM = /^(hour|day|month):(\d{1,10}|unlimited)(?::(requests|cost)(?::(\d{1,2}))?)?$/i;

/** The largest Int of GraphQL. */
const HIGHEST = 2 ** 31 - 1;

/** The option of a quota, which can be repeated. */
export function quotaOption(): Option {
  return new Option(
    '--quota <quota>',
    'window:limit[:unit[:day]], as in month:100000, day:9000:cost or month:unlimited; the day is the one on which months begin; ' +
      'repeat it for several (default: the quotas of the tier)',
  ).argParser(quotaIn);
}

function quotaIn(text: string, before: readonly GivenQuota[] = []): readonly GivenQuota[] {
  const [, window = '', limit = '', unit = 'requests', day] = FORM.exec(text) ?? [];
  if (window === '')
    throw new InvalidArgumentError('Write a quota as month:100000, day:9000:cost or month:100000:requests:15.');
  const isMonth = window.toLowerCase() === 'month';
  if (day !== undefined && !(isMonth && Number(day) >= 1 && Number(day) <= 31)) {
    throw new InvalidArgumentError('The day is from 1 to 31, and only months have one.');
  }
  return [
    ...before,
    {
      window: window.toUpperCase(),
      unit: unit.toUpperCase(),
      limit: limitIn(limit),
      ...(day !== undefined && { anchorDay: Number(day) }),
    },
  ];
}

function limitIn(text: string): number | null {
  if (text.toLowerCase() === 'unlimited') return null;
  const limit = Number(text);
  if (limit >= 1 && limit <= HIGHEST) return limit;
  throw new InvalidArgumentError(`The limit is a whole number from 1 to ${HIGHEST}, or unlimited.`);
}
