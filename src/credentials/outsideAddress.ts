import { Refusal } from '../refusals/refusal.js';
import type { AuthenticatedPrincipal } from './principal.js';

/** The key is right, and let in from other addresses alone. */
export class OutsideAddress extends Refusal {
  /** Whose key it is; not let in. For whoever counts, and in no answer. */
  readonly principal: AuthenticatedPrincipal;

  constructor(principal: AuthenticatedPrincipal) {
    super(
      'The API key is not let in from your address. Use it from one that it allows, or ask an administrator of the workspace to allow yours.',
      { code: 'ADDRESS_NOT_ALLOWED' },
    );
    this.principal = principal;
  }
}
