/**
 * The rate limits in a response: the header fields of the IETF draft "RateLimit header fields for HTTP"
 * (draft-ietf-httpapi-ratelimit-headers), as Latchkey sends them.
 */
interface Limits {
  /** The windows that apply to operations of this kind, by name. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** The room in the window with the least room; null if the server does not say. */
  readonly left: Left | null;
}

export interface Policy {
  /** The units that the window allows. */
  readonly quota: number;
  /** In ms. */
  readonly length: number;
}

interface Left {
  readonly name: string;
  readonly remaining: number;
  /** The time until the next unit is free, in ms, rounded up to whole seconds; null if nothing is used. */
  readonly backIn: number | null;
}

/** The name for the window of a server that sends the older header fields. */
const LEGACY = 'legacy';

/** Two windows each of the key, a category, its owner, its project, its workspace, its cost, and created keys. */
const MAX_POLICIES = 14;

/**
 * Reads the rate limits from header fields. Ignores what it cannot parse: a missing limit delays nothing, and a wrong
 * one could delay requests for too long.
 */
export function limitsOf(headers: Headers): Limits {
  if (!headers.has('ratelimit-policy') && headers.has('ratelimit-limit')) return legacyLimits(headers);
  const policies = new Map<string, Policy>();
  for (const { name, parameters } of itemsOf(headers.get('ratelimit-policy'))) {
    const { q: quota = 0, w: seconds = 0 } = parameters;
    if (quota >= 1 && seconds >= 1) policies.set(name, { quota, length: seconds * 1000 });
  }
  const [item] = itemsOf(headers.get('ratelimit'));
  const { r: remaining, t: seconds } = item?.parameters ?? {};
  if (item === undefined || remaining === undefined) return { policies, left: null };
  return { policies, left: { name: item.name, remaining, backIn: seconds === undefined ? null : seconds * 1000 } };
}

/**
 * Reads the limits of a server with RATE_LIMIT_HEADERS=legacy. Its fields describe only the window with the least room,
 * without its name and length. The result is a window that lasts until the reset, so that nothing is sent while the
 * server has no room.
 */
function legacyLimits(headers: Headers): Limits {
  const [quota, remaining, seconds] = ['limit', 'remaining', 'reset'].map((name) => {
    const value = headers.get(`ratelimit-${name}`)?.trim() ?? '';
    return /^\d{1,9}$/.test(value) ? Number(value) : null;
  });
  if (quota == null || quota < 1 || remaining == null || seconds == null) return { policies: new Map(), left: null };
  const length = Math.max(1, seconds) * 1000;
  return {
    policies: new Map([[LEGACY, { quota, length }]]),
    left: { name: LEGACY, remaining: Math.min(remaining, quota), backIn: remaining >= quota ? null : length },
  };
}

interface Item {
  readonly name: string;
  readonly parameters: Readonly<Record<string, number | undefined>>;
}

/** Parses a list of strings with integer parameters (RFC 9651, section 3.1): `"burst";q=25;w=1, "rate";q=500;w=60`. */
function itemsOf(field: string | null): Item[] {
  const items: Item[] = [];
  for (const member of (field ?? '').slice(0, 1_000).split(',').slice(0, MAX_POLICIES)) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim());
    if (!/^"[\w-]{1,40}"$/.test(name)) continue;
    const values: Record<string, number> = {};
    for (const parameter of parameters) {
      const [, key = '', value = ''] = /^([a-z]+)=(\d{1,9})$/.exec(parameter) ?? [];
      values[key] = Number(value);
    }
    items.push({ name: name.slice(1, -1), parameters: values });
  }
  return items;
}
