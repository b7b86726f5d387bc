import { checkName, checkRows, SKEW } from '../assets/input.js';
import { badInput } from '../refusals/refusal.js';
import { EVENT_RETENTION, type EventRecord } from '../store/records.js';

/** The type that feeds an asset's freshness. All others are names of the client's own. */
export const LOAD = 'LOAD';

/** Events of one batch. */
export const BATCH_MAX = 500;

/** Of the properties of an event, as JSON in UTF-8. */
export const PROPERTIES_MAX_BYTES = 4096;
export const PROPERTIES_MAX_DEPTH = 8;

const ID = /^[A-Za-z0-9_.\-/:]{1,100}$/;
// Lower case alone: a type that we add later is in capitals, and takes no name from anybody.
const OWN_TYPE = /^[a-z][a-z0-9_.]{0,63}$/;

/** An event as a client sends it. `at` in ms since the epoch, now where absent. */
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
 * The events of a batch, in the order given, an id twice included. All or nothing.
 * @throws Refusal BAD_USER_INPUT with the path of the first fault
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
    `The type must be ${LOAD}, or a name of your own: a letter a-z, then up to 63 of a-z, digits, _ and .`,
  );
}

function checkTime(at: number | null | undefined, now: number, path: Path): number {
  if (at === null || at === undefined) return now;
  // One that is as old would be deleted at once, and could then be recorded again and again.
  if (!Number.isSafeInteger(at) || at <= now - EVENT_RETENTION) {
    throw badInput(path, 'The event is older than 90 days, for which events are kept. Leave it out.');
  }
  if (at > now + SKEW) {
    throw badInput(path, 'The event lies in the future. Give the time at which it happened, with its offset.');
  }
  return at;
}

function checkProperties(properties: unknown, path: Path): string | null {
  if (properties === null || properties === undefined) return null;
  if (typeof properties !== 'object' || Array.isArray(properties)) {
    throw badInput(path, 'The properties must be an object of JSON, as in { "run": 7 }.');
  }
  if (depthOf(properties) > PROPERTIES_MAX_DEPTH) {
    throw badInput(path, `The properties are at most ${PROPERTIES_MAX_DEPTH} levels deep. Flatten them.`);
  }
  const text = JSON.stringify(properties);
  if (Buffer.byteLength(text) > PROPERTIES_MAX_BYTES) {
    throw badInput(path, `The properties have at most ${PROPERTIES_MAX_BYTES} bytes as JSON. Leave some out.`);
  }
  return text;
}

/** Lists and objects within each other; level by level and no further than the answer needs. */
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
