import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';
import type { GuardedMercuriusOptions } from './mercuriusOptions.js';
import type { MercuriusRequests } from './mercuriusRequest.js';

/** The objects that all parts of the adapter use. */
export interface AdapterParts {
  readonly options: GuardedMercuriusOptions;
  readonly guard: RequestGuard;
  readonly requests: MercuriusRequests;
  readonly logger: Logger;
}
