import { z } from 'zod';
import { MAX_LOCATOR, type ForeignScheme } from '../../core/keys/foreign.js';
import { ENVIRONMENTS, KEY_TYPES, type Environment, type KeyType } from '../../core/store/records.js';
import { shown } from '../../shared/optionChecks.js';
import { normalise } from '../../shared/text/characters.js';
import { DATES, type Dates } from './cells.js';
import { ImportFault } from './importFault.js';
import { COLUMNS, PRESETS, type Column, type Columns, type Source } from './presets.js';

/** How rows of another system are converted to keys. */
export interface Mapping {
  readonly scheme: ForeignScheme;
  readonly columns: Columns;
  /** Columns that don't restrict a key. */
  readonly ignore: ReadonlySet<string>;
  /** Latchkey scopes by scope of the other system. An empty list drops the scope. */
  readonly scopes: ReadonlyMap<string, readonly string[]>;
  /** Scopes for keys without scopes. Empty if keys without scopes are a problem. */
  readonly defaultScopes: readonly string[];
  /** Workspaces and users by owner in the other system; null if the workspace of the import owns all keys. */
  readonly owners: ReadonlyMap<string, Owner> | null;
  readonly type: KeyType;
  readonly environment: Environment;
  readonly dates: Dates;
  /** What to do with a key that has a limited number of uses, which an import cannot carry over. */
  readonly limitedUses: 'refuse' | 'drop';
}

interface Owner {
  /** Default: the workspace of the import. */
  readonly workspace?: string | undefined;
  /** Default: the workspace owns the key. */
  readonly user?: string | undefined;
}

const NAME = 'a string of 1 to 200 characters';
const text = z.string(NAME).min(1, NAME).max(200, NAME);

const SCOPES = `a scope, or a list of up to 100 scopes, each ${NAME}`;
const scopeList = z.union([text.transform((scope) => [scope]), z.array(text).max(100, SCOPES)], SCOPES);

const oneOf = <const V extends readonly string[]>(values: V) => z.enum(values, values.join(', '));

/** Returns the schema of a map with only these keys. */
const mapWith = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, `a map with ${Object.keys(shape).join(', ')}`);

/** Returns the schema of a map whose keys are names of the other system. */
const byNames = <Item extends z.ZodType>(item: Item, of: string) =>
  z.record(text, item, `a map of ${of}, by names of 1 to 200 characters`);

const IGNORED = `a list of up to 1000 columns, each ${NAME}`;
const column = z.union([text, z.null()], `${NAME}, or null`).optional();
const owner = mapWith({ workspace: text.optional(), user: text.optional() });
const LOOKUP = `{ prefix: <a whole number from 4 to ${MAX_LOCATOR}> } or { until: <one visible ASCII character> }`;

/** The schema of the mapping file. All keys are optional. The message of an issue lists the allowed values. */
const mappingSchema = mapWith({
  /** Names of the input's columns; null if the input has no such column. */
  columns: mapWith(
    Object.fromEntries(COLUMNS.map((name) => [name, column])) as Record<Column, typeof column>,
  ).optional(),
  ignore: z.array(text, IGNORED).max(1000, IGNORED).optional(),
  /** The part of a token that finds its record. Only for bcrypt. */
  lookup: z
    .union(
      [
        z.strictObject({ prefix: z.int(LOOKUP).min(4, LOOKUP).max(MAX_LOCATOR, LOOKUP) }, LOOKUP),
        z.strictObject({ until: z.string(LOOKUP).regex(/^[\x21-\x7e]$/, LOOKUP) }, LOOKUP),
      ],
      LOOKUP,
    )
    .optional(),
  /** The part of a token that was hashed: all of it, or the rest after the part that finds its record. Only for bcrypt. */
  hashed: oneOf(['whole', 'rest']).optional(),
  scopes: byNames(scopeList, 'scopes').optional(),
  defaultScopes: scopeList.optional(),
  owners: byNames(owner, 'owners').optional(),
  type: oneOf(KEY_TYPES).optional(),
  environment: oneOf(ENVIRONMENTS).optional(),
  dates: oneOf(DATES).optional(),
  limitedUses: oneOf(['refuse', 'drop']).optional(),
});
type MappingFile = z.output<typeof mappingSchema>;

/**
 * Checks a mapping and adds the defaults of its source.
 * @param content the content of the mapping file; undefined if there is none
 * @throws ImportFault with all faults of the file
 */
export function mappingOf(source: Source, content: unknown = {}): Mapping {
  const result = mappingSchema.safeParse(content);
  // The schema silently ignores this name.
  const reserved = pathTo('__proto__', content);
  const faults = reserved === null ? [] : [unknownAt(reserved, 'other names')];
  faults.push(...(result.error?.issues ?? []).flatMap((issue) => faultsOf(issue, content)));
  if (!result.success || faults.length > 0) throw new ImportFault(faults);
  const file = result.data;
  const { columns, ignore } = PRESETS[source];
  const mapped = Object.entries(file.columns ?? {})
    .filter(([, name]) => name !== undefined)
    .map(([column, name]) => [column, name == null ? null : [normalise(name)]]);
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

/** Returns values by name in NFC, because equal names may be encoded differently. @throws ImportFault for a repeated name */
function byName<T>(at: string, values: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  const named = new Map<string, T>();
  for (const [given, value] of Object.entries(values)) {
    const name = normalise(given);
    if (named.has(name))
      throw new ImportFault(`The mapping has ${JSON.stringify(name)} twice under ${at}. Remove one of them.`);
    named.set(name, value);
  }
  return named;
}

function schemeOf(source: Source, { lookup, hashed }: MappingFile): ForeignScheme {
  if (source !== 'bcrypt') {
    if (lookup === undefined && hashed === undefined) return { kind: 'sha256' };
    throw new ImportFault('`lookup` and `hashed` are only for bcrypt: a SHA-256 needs no look-up. Remove them.');
  }
  if (lookup === undefined) {
    throw new ImportFault(
      'A bcrypt hash cannot be looked up. Set `lookup` in the mapping to the leading part of a token that the table stores, such as `lookup: { prefix: 8 }` or `lookup: { until: "." }`. If the table stores no such part, its keys cannot be imported.',
    );
  }
  return { kind: 'bcrypt', hashed: hashed ?? 'whole', locator: lookup };
}

function faultsOf(given: z.core.$ZodIssue, content: unknown): string[] {
  const issue = preciseOf(given);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownAt([...issue.path, key], issue.message));
  if (issue.code === 'invalid_key') return [unknownAt(issue.path, issue.message)];
  return [faultAt(issue.path, content, issue.message)];
}

/** Returns an issue. For a union, the issue with a path, which says more precisely where the error is. */
function preciseOf(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flat().find(({ path }) => path.length > 0);
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

/** @param allowed the allowed values */
function faultAt(path: readonly PropertyKey[], content: unknown, allowed: string): string {
  const value = path.reduce<unknown>((each, step) => (each as Record<PropertyKey, unknown> | null)?.[step], content);
  const name = path.length === 0 ? 'The mapping' : `Mapping: ${pathOf(path)}`;
  return `${name} is ${shown(value)}. Allowed: ${allowed}. See docs/how-to/migrating.md.`;
}

/** @param allowed the allowed keys */
function unknownAt(path: readonly PropertyKey[], allowed: string): string {
  return `Mapping: the key ${pathOf(path)} is not known. Allowed: ${allowed}. See docs/how-to/migrating.md.`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => String(step))
    .map((step) => (/^[\w:/-]{1,64}$/.test(step) ? step : shown(step)))
    .join('.');
}

/** Returns the path to the first key with a name; null if there is none. */
function pathTo(name: string, value: unknown, at: readonly string[] = []): readonly string[] | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    const path = key === name ? [...at, key] : pathTo(name, item, [...at, key]);
    if (path !== null) return path;
  }
  return null;
}
