import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { scopesOf } from '../../core/guard/requirement.js';
import { ruleAt, type SchemaRules } from '../../core/guard/rules.js';
import { fold } from '../../shared/text/fold.js';

/** A part of a schema that can be found. */
interface Entry {
  /** As in `Asset`, `Query.assets` and `Query.assets(first:)`. */
  readonly coordinate: string;
  /** The SDL, without description. */
  readonly signature: string;
  readonly description: string | null;
  /** The required scopes: one of the lists, with all its scopes; null if it has no own rule. */
  readonly requires: readonly (readonly string[])[] | null;
}

interface Indexed {
  readonly entry: Entry;
  /** Words of the coordinate's last name, of the whole coordinate, and of the description. */
  readonly name: readonly string[];
  readonly place: string;
  readonly text: string;
  /** Operations come before the fields that they lead to. */
  readonly isRoot: boolean;
}

/** The maximum number of words in a search. */
const MAX_WORDS = 12;

/** The parts of one caller's schema, to be searched by words. */
export class SchemaIndex {
  readonly #parts: readonly Indexed[];

  /** @param view the schema that the caller may use @param rules of the whole schema, with the same coordinates */
  constructor(view: GraphQLSchema, rules: SchemaRules) {
    const roots = new Set<unknown>([view.getQueryType(), view.getMutationType(), view.getSubscriptionType()]);
    this.#parts = Object.values(view.getTypeMap())
      .filter((type) => !isIntrospectionType(type) && !(isScalarType(type) && isSpecifiedScalarType(type)))
      .flatMap((type) => entriesOf(type, rules).map((entry) => indexed(entry, roots.has(type))));
  }

  /**
   * Returns the parts that match best; without words, the operations.
   * @returns at most `limit` parts, and the total number
   */
  search(query: string, limit: number): { readonly found: readonly Entry[]; readonly total: number } {
    const words = wordsOf(query).slice(0, MAX_WORDS);
    const ranked = this.#parts
      .map((part) => ({ part, score: scoreOf(part, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || compare(a.part.entry.coordinate, b.part.entry.coordinate));
    return { found: ranked.slice(0, limit).map(({ part }) => part.entry), total: ranked.length };
  }
}

/** A word without a match costs more than a good match adds, so that more words narrow the search. */
function scoreOf({ name, place, text, isRoot, entry }: Indexed, words: readonly string[]): number {
  const isField = isRoot && !entry.coordinate.includes('(');
  if (words.length === 0) return isField && entry.coordinate.includes('.') ? 1 : 0;
  let score = 0;
  let fitting = 0;
  for (const word of words) {
    const fit = fitOf(word, name, place, text);
    if (fit > 0) fitting += 1;
    score += fit;
  }
  return fitting === 0 ? 0 : score + fitting * 10 + (isField ? 2 : 0);
}

function fitOf(word: string, name: readonly string[], place: string, text: string): number {
  if (name.includes(word)) return 8 - Math.min(name.length, 4);
  if (name.some((part) => part.startsWith(word) || (part.length > 2 && word.startsWith(part)))) return 3;
  if (place.includes(word)) return 2;
  return text.includes(word) ? 1 : 0;
}

function indexed(entry: Entry, isRoot: boolean): Indexed {
  const { coordinate, description } = entry;
  const last = coordinate.split(/[.(]/).at(-1) ?? coordinate;
  return {
    entry,
    name: wordsOf(last),
    place: fold(coordinate),
    text: fold(description ?? ''),
    isRoot,
  };
}

/** `createApiKey` is three words. */
function wordsOf(text: string): string[] {
  return fold(text.replace(/([a-z0-9])([A-Z])/g, '$1 $2'))
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');
}

function entriesOf(type: GraphQLNamedType, rules: SchemaRules): Entry[] {
  const entry = (coordinate: string, signature: string, description: string | null | undefined): Entry => {
    const rule = ruleAt(rules, coordinate);
    return {
      coordinate,
      signature,
      description: description ?? null,
      requires: rule ? scopesOf(rule.requirement) : null,
    };
  };
  const { name } = type;
  const own = entry(name, `${kindOf(type)} ${name}`, type.description);
  if (isObjectType(type) || isInterfaceType(type)) {
    const fields = Object.values(type.getFields()).flatMap((field) => {
      const coordinate = `${name}.${field.name}`;
      const args = field.args.length === 0 ? '' : `(${field.args.map(signatureOf).join(', ')})`;
      return [
        entry(coordinate, `${field.name}${args}: ${String(field.type)}`, field.description),
        ...field.args.map((arg) => entry(`${coordinate}(${arg.name}:)`, signatureOf(arg), arg.description)),
      ];
    });
    return [own, ...fields];
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return [own, ...fields.map((f) => entry(`${name}.${f.name}`, `${f.name}: ${String(f.type)}`, f.description))];
  }
  if (isEnumType(type)) {
    return [own, ...type.getValues().map((value) => entry(`${name}.${value.name}`, value.name, value.description))];
  }
  return [own];
}

function signatureOf({ name, type }: GraphQLArgument): string {
  return `${name}: ${String(type)}`;
}

function kindOf(type: GraphQLNamedType): string {
  if (isObjectType(type)) return 'type';
  if (isInterfaceType(type)) return 'interface';
  if (isUnionType(type)) return 'union';
  if (isEnumType(type)) return 'enum';
  return isInputObjectType(type) ? 'input' : 'scalar';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
