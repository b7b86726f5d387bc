import { checkName, checkRows, SKEW } from '../assets/input.js';
import { badInput } from '../../core/errors/refusal.js';
import { EVENT_RETENTION, type EventRecord } from '../store/demoRecords.js';

/** The type that updates an asset's freshness. All others are defined by the client. */
export const LOAD = 'LOAD';

/** The number of events in a batch. */
export const BATCH_MAX = 500;

/** The size of an event's properties, as JSON in UTF-8. */
const PROPERTIES_MAX_BYTES = 4096;
const PROPERTIES_MAX_DEPTH = 8;

const ID = /^[A-Za-z0-9_.\-/:]{1,100}$/;
// Only lower case: types that we add later are in upper case, and conflict with no client's.
const OWN_TYPE = /^[a-z][a-z0-9_.]{0,63}$/;

/** An event as sent by a client. `at` is in ms since the epoch; now if it is absent. */
export interface EventInput {
  readonly id: string;
  readonly type: string;
  readonly asset?: string | null;
  readonly at?: number | null;
  readonly rows?: number | null;
  readonly properties?: unknown;
}

type Path = readonly (string | number)[];

/**
 * Returns the events of a batch in the given order, including repeated ids. All of them are valid, or none is returned.
 *
 * @throws {@link Refusal} BAD_USER_INPUT with the path of the first invalid argument
 */
export function checkEvents(input: readonly EventInput[], projectId: string, now: number): readonly EventRecord[] {
  if (input.length < 1 || input.length > BATCH_MAX) {
    throw badInput(['input'], `A batch has 1 to ${BATCH_MAX} events. Send more in several batches.`);
  }
  return input.map((event, index) => checkEvent(event, projectId, now, ['input', index]));
}

function checkEvent(event: EventInput, projectId: string, now: number, path: Path): EventRecord {
  const type = checkType(event.type, [...path, 'type']);
  if (event.asset == null && type === LOAD) {
    throw badInput([...path, 'asset'], `An event of the type ${LOAD} needs the asset that was loaded. Name it.`);
  }
  return {
    projectId,
    id: checkId(event.id, [...path, 'id']),
    type,
    asset: event.asset == null ? null : checkName(event.asset, [...path, 'asset']),
    at: checkTime(event.at, now, [...path, 'at']),
    rows: checkRows(event.rows, [...path, 'rows']),
    properties: checkProperties(event.properties, [...path, 'properties']),
  };
}

function checkId(id: string, path: Path): string {
  if (ID.test(id)) return id;
  throw badInput(path, 'The id must have 1 to 100 characters, each a letter A-Z or a-z, a digit or one of _ . - / :');
}

/** @throws Refusal BAD_USER_INPUT */
export function checkType(type: string, path: Path): string {
  if (type === LOAD || OWN_TYPE.test(type)) return type;
  throw badInput(
    path,
    `The type must be ${LOAD}, or another name: a letter a-z, then up to 63 of a-z, digits, _ and .`,
  );
}

function checkTime(at: number | null | undefined, now: number, path: Path): number {
  if (at === null || at === undefined) return now;
  // An event of exactly this age would be deleted immediately, and could be recorded again and again.
  if (!Number.isSafeInteger(at) || at <= now - EVENT_RETENTION) {
    throw badInput(path, 'The event is older than 90 days, after which events are deleted. Leave it out.');
  }
  if (at > now + SKEW) {
    throw badInput(path, 'The event is in the future. Set the time at which it happened, with its offset.');
  }
  return at;
}

function checkProperties(properties: unknown, path: Path): string | null {
  if (properties === null || properties === undefined) return null;
  if (typeof properties !== 'object' || Array.isArray(properties)) {
    throw badInput(path, 'The properties must be a JSON object, such as { "run": 7 }.');
  }
  if (isFarLarger(properties)) throw badInput(path, TOO_LARGE);
  if (depthOf(properties) > PROPERTIES_MAX_DEPTH) {
    throw badInput(path, `The properties can have at most ${PROPERTIES_MAX_DEPTH} levels. Flatten them.`);
  }
  const text = JSON.stringify(properties);
  if (Buffer.byteLength(text) > PROPERTIES_MAX_BYTES) {
    throw badInput(path, TOO_LARGE);
  }
  return text;
}

const TOO_LARGE = `The properties can have at most ${PROPERTIES_MAX_BYTES} bytes as JSON. Leave some out.`;

/**
 * Returns whether the JSON of a value certainly has too many bytes: each value takes at least one and a separator, and
 * each text or name at least its length. Stops at the limit, because one operation can repeat a large value for each of
 * its aliases.
 */
function isFarLarger(properties: object): boolean {
  let left = PROPERTIES_MAX_BYTES;
  const values: unknown[] = [properties];
  while (values.length > 0 && left >= 0) {
    const value = values.pop();
    left -= typeof value === 'string' ? value.length + 2 : 1;
    if (!isNested(value)) continue;
    const isList = Array.isArray(value);
    for (const name in value) {
      // A comma or a bracket, and an object's quotes and colon.
      left -= isList ? 1 : name.length + 4;
      if (left < 0) return true;
      values.push((value as Readonly<Record<string, unknown>>)[name]);
    }
  }
  return left < 0;
}

/** Measures the depth of lists and objects level by level, and stops at the limit. */
function depthOf(value: object): number {
  let level: object[] = [value];
  let depth = 0;
  while (level.length > 0 && depth <= PROPERTIES_MAX_DEPTH) {
    depth += 1;
    level = level.flatMap((one) => Object.values(one) as unknown[]).filter(isNested);
  }
  return depth;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
