import { z } from 'zod';
import { MAX_LOCATOR, type ForeignScheme } from '../keys/foreign.js';
import { ENVIRONMENTS, KEY_TYPES, type Environment, type KeyType } from '../store/records.js';
import { normalise } from '../text/characters.js';
import { DATES, type Dates } from './cells.js';
import { ImportFault } from './fault.js';
import { COLUMNS, PRESETS, type Column, type Columns, type Source } from './presets.js';

/** How rows of another system become keys. */
export interface Mapping {
  readonly scheme: ForeignScheme;
  readonly columns: Columns;
  /** Columns that say nothing about what a key may do. */
  readonly ignore: ReadonlySet<string>;
  /** Our scopes by the other system's; none: what that one gave is not taken over. */
  readonly scopes: ReadonlyMap<string, readonly string[]>;
  /** Of keys that have none there. Empty: such keys are refused. */
  readonly defaultScopes: readonly string[];
  /** Whose keys are whose here; null: all are the workspace's own. */
  readonly owners: ReadonlyMap<string, Owner> | null;
  readonly type: KeyType;
  readonly environment: Environment;
  readonly dates: Dates;
  /** What becomes of a key whose uses are counted down there: here they would be without end. */
  readonly limitedUses: 'refuse' | 'drop';
}

export interface Owner {
  /** Default: the workspace of the import. */
  readonly workspace?: string | undefined;
  /** Default: nobody; the key is the workspace's own. */
  readonly user?: string | undefined;
}

const text = z.string().min(1).max(200);
const scopeList = z.union([text.transform((scope) => [scope]), z.array(text).max(100)]);

/** The mapping file. Every key may be left out. */
export const mappingSchema = z.strictObject({
  /** Columns of the input; null: it has none. */
  columns: z.partialRecord(z.enum(COLUMNS), text.nullable()).optional(),
  ignore: z.array(text).max(1000).optional(),
  /** Where a token names its record. Of bcrypt alone. */
  lookup: z
    .union([
      z.strictObject({ prefix: z.int().min(4).max(MAX_LOCATOR) }),
      z.strictObject({ until: z.string().regex(/^[\x21-\x7e]$/) }),
    ])
    .optional(),
  /** Of what the hash is: of the token as a whole, or of what follows on what names its record. Of bcrypt alone. */
  hashed: z.enum(['whole', 'rest']).optional(),
  scopes: z.record(text, scopeList).optional(),
  defaultScopes: scopeList.optional(),
  owners: z.record(text, z.strictObject({ workspace: text.optional(), user: text.optional() })).optional(),
  type: z.enum(KEY_TYPES).optional(),
  environment: z.enum(ENVIRONMENTS).optional(),
  dates: z.enum(DATES).optional(),
  limitedUses: z.enum(['refuse', 'drop']).optional(),
});
type MappingFile = z.output<typeof mappingSchema>;

/**
 * @param content of the mapping file; undefined: there is none
 * @throws ImportFault for the first fault
 */
export function mappingOf(source: Source, content: unknown = {}): Mapping {
  const result = mappingSchema.safeParse(content);
  if (!result.success) {
    const [issue] = result.error.issues;
    const at = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
    throw new ImportFault(
      `The mapping is wrong at ${at.map(String).join('.') || 'its top'}: ${issue?.message ?? 'not allowed'}. See docs/migrating.md.`,
    );
  }
  const file = result.data;
  const { columns, ignore } = PRESETS[source];
  const mapped = Object.entries(file.columns ?? {}).map(([column, name]) => [
    column,
    name === null ? null : [normalise(name)],
  ]);
  return {
    scheme: schemeOf(source, file),
    columns: { ...columns, ...(Object.fromEntries(mapped) as Partial<Record<Column, readonly string[] | null>>) },
    ignore: new Set([...ignore, ...(file.ignore ?? [])].map(normalise)),
    scopes: byName('scopes', file.scopes ?? {}),
    defaultScopes: file.defaultScopes ?? [],
    owners: file.owners === undefined ? null : byName('owners', file.owners),
    type: file.type ?? 'SECRET',
    environment: file.environment ?? 'LIVE',
    dates: file.dates ?? 'iso',
    limitedUses: file.limitedUses ?? 'refuse',
  };
}

/** Names are compared in NFC, so that it does not matter how their letters were typed. @throws ImportFault for a name twice */
function byName<T>(at: string, values: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  const named = new Map<string, T>();
  for (const [given, value] of Object.entries(values)) {
    const name = normalise(given);
    if (named.has(name))
      throw new ImportFault(`The mapping has ${JSON.stringify(name)} twice under ${at}. Keep one of them.`);
    named.set(name, value);
  }
  return named;
}

function schemeOf(source: Source, { lookup, hashed }: MappingFile): ForeignScheme {
  if (source !== 'bcrypt') {
    if (lookup === undefined && hashed === undefined) return { kind: 'sha256' };
    throw new ImportFault(
      '`lookup` and `hashed` are for bcrypt alone: a SHA-256 is looked up by itself. Leave them out.',
    );
  }
  if (lookup === undefined) {
    throw new ImportFault(
      'A bcrypt hash cannot be looked up: say with `lookup` in the mapping which leading part of a token names its row, as `lookup: { prefix: 8 }` or `lookup: { until: "." }`. Where the table keeps no such part, its keys cannot be taken over.',
    );
  }
  return { kind: 'bcrypt', hashed: hashed ?? 'whole', locator: lookup };
}
