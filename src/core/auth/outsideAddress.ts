import { Refusal } from '../errors/refusal.js';
import type { AuthenticatedPrincipal } from './principal.js';

/** The refusal for a valid key that is used from an address that it doesn't allow. */
export class OutsideAddress extends Refusal {
  /** The owner of the refused key, for metrics and the audit log. The response doesn't contain the address. */
  readonly principal: AuthenticatedPrincipal;

  constructor(principal: AuthenticatedPrincipal) {
    super(
      'The API key does not allow your address. Use it from an allowed address, or ask an administrator of the workspace to allow yours.',
      { code: 'ADDRESS_NOT_ALLOWED' },
    );
    this.principal = principal;
  }
}
