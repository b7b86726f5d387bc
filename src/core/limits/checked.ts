import { optionError } from '../../shared/optionChecks.js';
import { Refusal, unavailable } from '../errors/refusal.js';
import { Limiter } from './limiter.js';
import type { Admission, Limits } from './limits.js';
import type { Room } from './window.js';

const ROOM = '{ rate, burst }, each with limit, remaining and returnsInMs';
const ADMISSION = `{ outcome: "admitted", limits, room }; { outcome: "refused", limits, room, window, limit, retryAfterMs }; or { outcome: "never", limits, room, window, limit }. room is ${ROOM}`;

const checked = new WeakSet<Limits>();

/**
 * Returns limits whose results are checked. If a result has another form, or none, the request is refused, because it can't be
 * counted. The error for the log names the option.
 *
 * @param option such as `createLatchkey: limits`
 */
export function checkedLimits(option: string, limits: Limits): Limits {
  if (isOwn(limits) || checked.has(limits)) return limits;
  const of = <T>(method: 'admit' | 'peek', run: () => unknown, isValid: (result: unknown) => result is T) => {
    const allowed = method === 'admit' ? ADMISSION : ROOM;
    const failed = (error: unknown): never => {
      throw error instanceof Refusal ? error : uncounted(error);
    };
    const settle = (result: unknown): T =>
      isValid(result) ? result : failed(optionError(`${option}.${method}: its result`, result, allowed));
    try {
      const result = run();
      return isThenable(result) ? Promise.resolve(result).then(settle).catch(failed) : settle(result);
    } catch (error) {
      return failed(error);
    }
  };
  const own: Limits = {
    get tiers() {
      return limits.tiers;
    },
    admit: (subject, requests, cost) => of('admit', () => limits.admit(subject, requests, cost), isAdmission),
    peek: (subject, unit) => of('peek', () => limits.peek(subject, unit), isRoom),
    giveBack: (admission, cost) => limits.giveBack?.(admission, cost),
    close: () => limits.close(),
  };
  checked.add(own);
  return own;
}

function uncounted(cause: unknown): Refusal {
  return unavailable('The rate limits cannot be checked at the moment. Try again in 1 s.', 1, cause);
}

/** Returns whether the limits are a `Limiter` with its own methods, whose results need no check. */
function isOwn(limits: Limits): boolean {
  const isKept = (method: 'admit' | 'peek') => Reflect.get(limits, method) === Reflect.get(Limiter.prototype, method);
  return limits instanceof Limiter && isKept('admit') && isKept('peek');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isWindow(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { limit, remaining, returnsInMs } = value;
  return Number.isFinite(limit) && Number.isFinite(remaining) && (returnsInMs === null || Number.isFinite(returnsInMs));
}

function isRoom(value: unknown): value is Room {
  return isObject(value) && isWindow(value.rate) && isWindow(value.burst);
}

function isTier(value: unknown): boolean {
  return isObject(value) && Number.isFinite(value.rate) && Number.isFinite(value.burst) && isObject(value.categories);
}

function isAdmission(value: unknown): value is Admission {
  if (!isObject(value) || !isTier(value.limits) || !isRoom(value.room)) return false;
  const { outcome, categoryRoom, otherRooms, window, limit, retryAfterMs } = value;
  if (categoryRoom !== undefined && !isRoom(categoryRoom)) return false;
  if (otherRooms !== undefined && !(Array.isArray(otherRooms) && otherRooms.every(isRoom))) return false;
  if (outcome === 'admitted') return true;
  const isBound = (window === 'rate' || window === 'burst') && Number.isFinite(limit);
  return isBound && (outcome === 'never' || (outcome === 'refused' && Number.isFinite(retryAfterMs)));
}
