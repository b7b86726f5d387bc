import type { BreakerOptions, StoreState } from './breaker.js';
import type { StoreUnavailable } from './storeErrors.js';
import { outageOf, type StoreAddress } from './open.js';

/** The part of a logger that is used. */
interface Log {
  error(details: object, message: string): void;
  info(message: string): void;
}

const CONSEQUENCES: Readonly<Record<Exclude<StoreState, 'available'>, string>> = {
  away: 'The store is unavailable: requests that need it get 503 immediately, until it answers.',
  'read-only': 'The store accepts no changes: they get 503, and keys continue to work.',
};

/** Returns callbacks that log each change of the store's state, with the fault and a remedy. */
export function reportingTo(log: Log, address: StoreAddress): Required<Pick<BreakerOptions, 'onState' | 'onFailure'>> {
  const tell = async (error: StoreUnavailable, message: string): Promise<void> => {
    log.error({ err: error }, `${message} ${await outageOf(address, error)}`);
  };
  return {
    onState(state, error) {
      if (state === 'available' || error === null) log.info('The store is available again.');
      else void tell(error, CONSEQUENCES[state]);
    },
    onFailure(err) {
      void tell(
        err,
        'A store operation failed, but the store responds. Only one such failure is logged in ten seconds; the metric latchkey_store_operations_total counts all of them.',
      );
    },
  };
}
