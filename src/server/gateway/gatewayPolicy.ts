import { FileFault, readTextFile } from '../../shared/files/wholeFile.js';
import { SettingsError } from '../../shared/settings/error.js';
import { FaultCollector } from '../../shared/settings/faultCollector.js';
import type { ListSizeExtension } from '../../core/guard/ruleExtensions.js';
import { parseYaml } from '../settings/yaml.js';
import { NO_COSTS, readCosts, type PolicyCosts } from './policyCosts.js';

const MAX_BYTES = 1_000_000;

/** The decision of a policy about a field or a type. */
export type Ruling =
  /** The field is not part of the gateway's schema. */
  | { readonly kind: 'deny' }
  /** No key is needed. */
  | { readonly kind: 'public' }
  /** `scope` as in `@auth(scope:)`; null for any valid key. */
  | { readonly kind: 'auth'; readonly scope: unknown };

/** One line of a policy. */
interface Line {
  /** `Query.orders`, `Order.*`, `Order`. */
  readonly name: string;
  /** null if the line is only about costs. */
  readonly ruling: Ruling | null;
  readonly costs: PolicyCosts;
}

interface Pattern extends Line {
  readonly matches: RegExp;
  /** The number of characters other than `*`. */
  readonly weight: number;
}

/** A name that no type or field of the schema has, and the line that has it. */
const NAME = /^[_A-Za-z][_0-9A-Za-z]*(?:\.[_A-Za-z][_0-9A-Za-z]*)?$/;
const PATTERN = /^[_A-Za-z*][_0-9A-Za-z*]*\.[_A-Za-z*][_0-9A-Za-z*]*$/;

/** Root types that a schema may lack. */
const OPTIONAL_ROOTS: ReadonlySet<string> = new Set(['Mutation', 'Subscription']);

const VALUES =
  'deny, public, authenticated (any valid key), a scope such as read:orders, [[a, b]] for a key with both scopes, [[a], [b]] for one with either, or a map with allow, cost and list_size';

/**
 * The rules and costs that a policy file lays over the schema of an upstream. The most specific line decides: the exact name, otherwise
 * the pattern with the most characters besides `*`.
 */
export class Policy {
  /** The path of the file. */
  readonly path: string;
  /** Whether root fields without a line are closed. If not, they are undecided, and the gateway doesn't start. */
  readonly deniesByDefault: boolean;
  readonly #exact: ReadonlyMap<string, Line>;
  readonly #patterns: readonly Pattern[];

  /** @throws SettingsError if two equally specific patterns contradict each other */
  constructor(path: string, lines: readonly Line[], deniesByDefault: boolean) {
    this.path = path;
    this.deniesByDefault = deniesByDefault;
    this.#exact = new Map(lines.filter(({ name }) => !name.includes('*')).map((line) => [line.name, line]));
    this.#patterns = lines.filter(({ name }) => name.includes('*')).map(patternOf);
  }

  /** The names of all lines without `*`. */
  get names(): readonly string[] {
    return [...this.#exact.keys()];
  }

  /**
   * Returns the lines with `*` that have no effect on any of these coordinates. Only `deny` has one on interfaces. Lines of a root
   * type that the schema doesn't have are for fields that the API could gain.
   */
  unmatched({ ofObjects, all }: { readonly ofObjects: readonly string[]; readonly all: readonly string[] }): string[] {
    return this.#patterns
      .filter(({ ruling, matches, name }) => {
        const [type = ''] = name.split('.');
        const isAbsent = OPTIONAL_ROOTS.has(type) && !all.some((coordinate) => coordinate.startsWith(`${type}.`));
        return !isAbsent && !(ruling?.kind === 'deny' ? all : ofObjects).some((coordinate) => matches.test(coordinate));
      })
      .map(({ name }) => name);
  }

  /** Returns the access that the line with exactly this name defines; null if it defines none. */
  exactly(name: string): Ruling | null {
    return this.#exact.get(name)?.ruling ?? null;
  }

  /** Returns what the line with exactly this name says about costs. */
  costsExactly(name: string): PolicyCosts {
    return this.#exact.get(name)?.costs ?? NO_COSTS;
  }

  /**
   * Returns the access to a field that the policy defines; null if it doesn't define one.
   *
   * @throws SettingsError if two equally specific patterns contradict each other
   */
  of(coordinate: string): Ruling | null {
    return this.#decide(coordinate, ({ ruling }) => ruling);
  }

  /**
   * Returns the cost of a field that the policy defines. The weight and the size each have their own most specific line.
   *
   * @param fits returns whether the size of a pattern can apply to the field
   * @throws SettingsError if two equally specific patterns contradict each other
   */
  costsOf(coordinate: string, fits: (size: ListSizeExtension) => boolean): PolicyCosts {
    return {
      weight: this.#decide(coordinate, ({ costs }) => costs.weight),
      listSize: this.#decide(coordinate, ({ name, costs: { listSize } }) =>
        listSize !== null && (!name.includes('*') || fits(listSize)) ? listSize : null,
      ),
    };
  }

  /** Returns what the most specific line says, of those that say something; null if there is none. */
  #decide<Said>(coordinate: string, said: (line: Line) => Said | null): Said | null {
    const line = this.#exact.get(coordinate);
    const exact = line === undefined ? null : said(line);
    if (exact !== null) return exact;
    const matching = this.#patterns.flatMap(({ name, matches, weight, ...rest }) => {
      const its = matches.test(coordinate) ? said({ name, ...rest }) : null;
      return its === null ? [] : [{ name, weight, said: its }];
    });
    const most = Math.max(...matching.map(({ weight }) => weight));
    const [best, ...others] = matching.filter(({ weight }) => weight === most);
    const other = best && others.find((each) => !isSame(each.said, best.said));
    if (best !== undefined && other !== undefined) {
      throw new SettingsError(
        `${this.path}: ${best.name} and ${other.name} contradict each other for ${coordinate}. Add a line for ${coordinate}.`,
      );
    }
    return best?.said ?? null;
  }
}

/**
 * Reads a policy file.
 *
 * @throws SettingsError with all faults, one in each line
 */
export function readPolicy(path: string): Policy {
  let text: string;
  try {
    text = readTextFile(path, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    throw new SettingsError(`The policy file ${shown(path)} ${error.message}. ${error.remedy}`);
  }
  return parsePolicy(text, path);
}

/** @param path names the file in errors @throws SettingsError */
export function parsePolicy(text: string, path: string): Policy {
  const tree = parseYaml(text, path);
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    throw new SettingsError(`${path} is not a map. Write lines such as "Query.orders: read:orders".`);
  }
  const faults = new FaultCollector();
  const { default: byDefault, ...named } = tree as Record<string, unknown>;
  faults.run(() => checkDefault(byDefault, path));
  const lines = Object.entries(named).flatMap(([name, value]) => {
    const line = faults.run(() => {
      checkName(name, path);
      return lineOf(name, value, `${path}: ${name}`);
    });
    return line === undefined ? [] : [{ name, ...line }];
  });
  faults.assertNone();
  return new Policy(path, lines, byDefault !== undefined);
}

/** @throws SettingsError */
function checkDefault(value: unknown, path: string): void {
  if (value === undefined || value === 'deny') return;
  throw new SettingsError(`${path}: default is not allowed. Allowed: deny.`);
}

/** @throws SettingsError */
function checkName(name: string, path: string): void {
  if (NAME.test(name) || PATTERN.test(name)) return;
  throw new SettingsError(
    `${path}: ${shown(name)} is not a name. Allowed: a field such as Query.orders, a pattern such as Order.*, or a type such as Order.`,
  );
}

const KEYS = ['allow', 'cost', 'list_size'] as const;

/** For a file that nests fields under their types. */
const FLAT = 'Write one line for each field, such as "Query.orders: read:orders".';

/** Reads a value, or a map with it and with costs. */
function lineOf(name: string, value: unknown, at: string): Omit<Line, 'name'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ruling: rulingOf(value, at), costs: NO_COSTS };
  }
  const map = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(map).find((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown !== undefined || Object.keys(map).length === 0) {
    const isType = !name.includes('.') && unknown !== undefined;
    const what = unknown === undefined ? 'is an empty map' : `has the unknown key ${shown(unknown)}`;
    throw new SettingsError(`${at} ${what}. Allowed: ${KEYS.join(', ')}.${isType ? ` ${FLAT}` : ''}`);
  }
  const faults = new FaultCollector();
  const ruling = map.allow === undefined ? null : faults.run(() => rulingOf(map.allow, `${at}: allow`));
  const costs = faults.run(() => readCosts(at, map));
  faults.assertNone();
  return { ruling: ruling ?? null, costs: costs ?? NO_COSTS };
}

/** The scopes themselves are checked with those of the schema. */
function rulingOf(value: unknown, at: string): Ruling {
  if (value === 'deny' || value === 'public') return { kind: value };
  if (value === 'authenticated') return { kind: 'auth', scope: null };
  const isScopes = typeof value === 'string' || Array.isArray(value);
  if (!isScopes) throw new SettingsError(`${at} is not allowed. Allowed: ${VALUES}.`);
  if (isFlatList(value))
    throw new SettingsError(`${at} is a list of several scopes, which is ambiguous. ${waysOf(value)}`);
  return { kind: 'auth', scope: value };
}

function isFlatList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 1 && value.every((scope) => typeof scope === 'string');
}

function waysOf(scopes: readonly string[]): string {
  const each = scopes.map((scope) => scope.slice(0, 100));
  const any = each.map((scope) => `[${scope}]`).join(', ');
  return `Write [[${each.join(', ')}]] for a key with all of them, or [${any}] for a key with one of them.`;
}

function patternOf(line: Line): Pattern {
  const [type = '', field = ''] = line.name.split('.');
  const part = (text: string): string => text.replace(/\*+/g, '[_0-9A-Za-z]*');
  return {
    ...line,
    matches: new RegExp(`^${part(type)}\\.${part(field)}$`),
    weight: line.name.replaceAll('*', '').length,
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
