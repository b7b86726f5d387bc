import {
  GraphQLError,
  print,
  type DocumentNode,
  type GraphQLFormattedError,
  type OperationDefinitionNode,
} from 'graphql';
import type { Principal } from '../../auth/principal.js';
import type { Refusal } from '../../errors/refusal.js';
import { answerTooLarge, type AnswerLimits } from '../answer/answerLimits.js';
import { decide } from '../decide.js';
import type { Hole, Level } from './levels.js';
import type { AllowedPart } from './withoutDenied.js';

type Data = Readonly<Record<string, unknown>>;

/** The maximum number of errors for denied fields in one response. */
const MAX_ERRORS = 20;

/** The result of an operation with its denied fields. */
interface Completed {
  readonly data: Record<string, unknown>;
  readonly errors: readonly GraphQLFormattedError[];
}

/** The fields of an allowed operation that its caller may not use, and the operation without them, which must run in its place. */
export class Denied {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The refusal of the operation as it was sent. */
  readonly refusal: Refusal;
  readonly #part: AllowedPart;
  readonly #principal: Principal;
  #source: string | null = null;

  constructor(part: AllowedPart, principal: Principal, refusal: Refusal) {
    this.document = part.document;
    this.operation = part.operation;
    this.refusal = refusal;
    this.#part = part;
    this.#principal = principal;
  }

  /** The text of the document to run, for a server that forwards it. */
  get source(): string {
    return (this.#source ??= print(this.document));
  }

  /**
   * Adds the denied fields to the result of the operation: null, with an error at each path, up to 20. Does not change
   * `data`, which may be cached.
   *
   * @throws Refusal ANSWER_TOO_LARGE if there are more denied fields than a response may have
   */
  complete(data: Data, limits: AnswerLimits): Completed {
    const { level, typeKey } = this.#part;
    const completion = new Completion(typeKey, limits);
    const completed = completion.object(data, [level]);
    return { data: completed, errors: completion.found().map((found) => this.#error(found)) };
  }

  #error({ hole, path }: Found): GraphQLFormattedError {
    const { message, details } = decide(hole.refused, this.#principal) ?? this.refusal;
    return new GraphQLError(message, { nodes: hole.node, path, extensions: { ...details } }).toJSON();
  }
}

/** A denied field of a response. */
interface Found {
  readonly hole: Hole;
  readonly path: readonly (string | number)[];
}

/** The objects of one type at a place of a response. */
interface Place {
  /** The response keys in the order of the document. */
  readonly keys: readonly string[];
  readonly holes: ReadonlyMap<string, Hole>;
  /** The levels of fields with holes at any depth. */
  readonly within: ReadonlyMap<string, readonly Level[]>;
}

/** @param typeName null if unknown, so that all holes apply */
function placeIn(levels: readonly Level[], typeName: string | null): Place {
  const isOf = ({ types }: Pick<Hole, 'types'>): boolean => types === null || typeName === null || types.has(typeName);
  const within = new Map<string, Level[]>();
  for (const { key, level } of levels.flatMap((each) => each.within.filter(isOf))) {
    const below = within.get(key);
    if (below === undefined) within.set(key, [level]);
    else below.push(level);
  }
  return {
    keys: [...new Set(levels.flatMap(({ keys }) => [...keys]))],
    holes: new Map(levels.flatMap((level) => level.holes.filter(isOf)).map((hole) => [hole.key, hole])),
    within,
  };
}

/** Walks the objects of a result that have denied fields. */
class Completion {
  readonly #typeKey: string;
  readonly #limits: AnswerLimits;
  readonly #path: (string | number)[] = [];
  /** The first occurrence of each denied field, so that none is missing from the errors because of a long list. */
  readonly #first = new Map<Hole, Found>();
  readonly #others: Found[] = [];
  readonly #places = new WeakMap<readonly Level[], Map<unknown, Place>>();
  #fields = 0;
  #bytes = 0;

  constructor(typeKey: string, limits: AnswerLimits) {
    this.#typeKey = typeKey;
    this.#limits = limits;
  }

  found(): readonly Found[] {
    return [...this.#first.values(), ...this.#others].slice(0, MAX_ERRORS);
  }

  object(value: Data, levels: readonly Level[]): Record<string, unknown> {
    const { keys, holes, within } = this.#placeOf(levels, value[this.#typeKey]);
    // Without a prototype, because a response key may be `__proto__`.
    const completed = Object.create(null) as Record<string, unknown>;
    for (const key of new Set([...keys, ...Object.keys(value)])) {
      const hole = holes.get(key);
      if (hole !== undefined) completed[key] = this.#leaveOut(hole);
      else if (key !== this.#typeKey && Object.hasOwn(value, key)) {
        const below = within.get(key);
        completed[key] = below === undefined ? value[key] : this.#value(value[key], key, below);
      }
    }
    return completed;
  }

  /** Returns what is missing in objects of a type. A list can have many objects, and an interface many types with different fields. */
  #placeOf(levels: readonly Level[], typeName: unknown): Place {
    let ofLevels = this.#places.get(levels);
    if (ofLevels === undefined) this.#places.set(levels, (ofLevels = new Map<unknown, Place>()));
    const name = typeof typeName === 'string' ? typeName : null;
    let place = ofLevels.get(name);
    if (place === undefined) ofLevels.set(name, (place = placeIn(levels, name)));
    return place;
  }

  #value(value: unknown, key: string | number, levels: readonly Level[]): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.#path.push(key);
    const completed = Array.isArray(value)
      ? value.map((item: unknown, index) => this.#value(item, index, levels))
      : this.object(value as Data, levels);
    this.#path.pop();
    return completed;
  }

  #leaveOut(hole: Hole): null {
    this.#fields += 1;
    this.#bytes += hole.key.length + '"":null,'.length;
    if (this.#fields > this.#limits.fields) throw answerTooLarge(this.#limits, 'fields', false);
    if (this.#bytes > this.#limits.bytes) throw answerTooLarge(this.#limits, 'bytes', false);
    const isFirst = !this.#first.has(hole);
    if (isFirst || this.#others.length < MAX_ERRORS) {
      const found = { hole, path: [...this.#path, hole.key] };
      if (isFirst) this.#first.set(hole, found);
      else this.#others.push(found);
    }
    return null;
  }
}
