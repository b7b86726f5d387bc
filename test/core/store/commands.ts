import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundStore } from '../../../src/core/store/around.js';
import type { Store } from '../../../src/core/store/store.js';
import type { Shape } from './indexFit.js';

/** A command as the driver reports it before sending it. */
export interface SentCommand {
  readonly commandName: string;
  readonly command: object;
}

const READS = ['find', 'aggregate', 'count', 'distinct'];
const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'dropIndexes'];
/** The concern of the connection, or of a cursor's first command. All voting members build an index. */
const WITHOUT = [
  'hello',
  'ping',
  'getMore',
  'killCursors',
  'endSessions',
  'createIndexes',
  'listIndexes',
  'dropDatabase',
];

/**
 * The commands that the stores of this process have sent so far: the number by name, and those with another concern.
 */
export const sent = { counts: new Map<string, number>(), faults: [] as string[] };

/** A kind of command of a store operation: commands that only differ in values are one kind. */
export interface SentShape extends Shape {
  readonly operation: string;
  readonly collection: string;
}

/** Every kind of command that the stores of this process have sent. */
export const shapes = new Map<string, SentShape>();

const running = new AsyncLocalStorage<string>();

/** Returns the store with recorded commands for each operation. */
export function namingOperations(store: Store): Store {
  return aroundStore(store, (name, operation) => running.run(name, operation));
}

/** Records the commands of code outside of store operations. */
export function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  return running.run(name, work);
}

export function noteCommand(sending: SentCommand): void {
  for (const shape of shapesOf(sending.command)) {
    const each = { operation: running.getStore() ?? '', ...shape };
    shapes.set(JSON.stringify(each, withoutValue), each);
  }
  sent.counts.set(sending.commandName, (sent.counts.get(sending.commandName) ?? 0) + 1);
  const fault = concernFault(sending);
  if (fault !== null) sent.faults.push(fault);
}

/** @returns the fault in the concerns of a command; null: none */
export function concernFault({ commandName, command }: SentCommand): string | null {
  const { readConcern, writeConcern, $readPreference, pipeline } = command as {
    readonly readConcern?: { readonly level?: string };
    readonly writeConcern?: object;
    readonly $readPreference?: { readonly mode?: string };
    readonly pipeline?: readonly object[];
  };
  if (WITHOUT.includes(commandName)) return null;
  const mode = $readPreference?.mode ?? 'primary';
  if (mode !== 'primary') return `${commandName} with readPreference ${mode}`;
  const merges = pipeline?.some((stage) => '$merge' in stage) === true;
  if (WRITES.includes(commandName) || merges) {
    const right = JSON.stringify(writeConcern) === '{"w":"majority","j":true}';
    if (!right) return `${commandName} with writeConcern ${JSON.stringify(writeConcern)}`;
  }
  if (READS.includes(commandName)) {
    return readConcern?.level === 'majority' ? null : `${commandName} with readConcern ${JSON.stringify(readConcern)}`;
  }
  return WRITES.includes(commandName) ? null : `${commandName}, of which nothing is decided`;
}

/** Replaces values and lists of values by 0. */
function withoutValue(name: string, value: unknown): unknown {
  if (name === 'operation' || name === 'collection' || name === 'hint' || name === 'sort') return value;
  const isList = Array.isArray(value) && !value.some((each) => typeof each === 'object' && each !== null);
  return typeof value === 'object' && value !== null && !isList ? value : 0;
}

/** The filter of a command, or of each update or deletion in it. */
function shapesOf(command: object): Omit<SentShape, 'operation'>[] {
  const { find, aggregate, findAndModify, updates, update, deletes, delete: from, ...rest } = command as Command;
  const { filter, query, sort, limit, hint, pipeline } = rest;
  const shape = (collection: string, wanted: Shape['filter'] = {}) => ({
    collection,
    filter: wanted,
    sort: sort instanceof Map ? (Object.fromEntries(sort) as Shape['sort']) : (sort ?? {}),
    ...(limit !== undefined && { limit }),
    ...(hint !== undefined && { hint }),
  });
  if (find !== undefined) return [shape(find, filter)];
  if (findAndModify !== undefined) return [shape(findAndModify, query)];
  if (aggregate !== undefined) return [shape(aggregate, pipeline?.find((stage) => stage.$match !== undefined)?.$match)];
  if (updates !== undefined) return updates.map(({ q }) => shape(String(update), q));
  return (deletes ?? []).map(({ q }) => shape(String(from), q));
}

interface Command {
  readonly find?: string;
  readonly aggregate?: string;
  readonly findAndModify?: string;
  readonly update?: unknown;
  readonly delete?: unknown;
  readonly updates?: readonly { readonly q: Shape['filter'] }[];
  readonly deletes?: readonly { readonly q: Shape['filter'] }[];
  readonly filter?: Shape['filter'];
  readonly query?: Shape['filter'];
  readonly sort?: Shape['sort'] | Map<string, number>;
  readonly limit?: number;
  readonly hint?: string;
  readonly pipeline?: readonly { readonly $match?: Shape['filter'] }[];
}
