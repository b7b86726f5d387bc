import type { UnauthenticatedReason } from '../errors/refusal.js';
import type { AddressList } from '../net/addressList.js';
import type { KeyRecord } from '../store/records.js';
import type { AuthenticatedPrincipal } from './principal.js';

/** Why a key is not accepted any more. */
export type EndReason = Extract<UnauthenticatedReason, 'revoked' | 'expired' | 'user_left'>;

/** The key or principal that a credential belongs to. */
export interface Identified {
  readonly principal: AuthenticatedPrincipal;
  /** The record of a stored key; null: a configured key, an access token or the operator's key. */
  readonly key: KeyRecord | null;
  /** null if the credential is valid. */
  readonly ended: EndReason | null;
  /** The addresses that it can be used from; null if it can be used from any address. */
  readonly addresses: AddressList | null;
  /** In milliseconds since the epoch; null means never. */
  readonly expiresAt: number | null;
  /** Records a use of the key. @param address of its holder; null if unknown */
  readonly use: (address: string | null) => void;
}
