import { useSyncExternalStore } from 'react';
import { forget, keep, kept, type Credential } from './keptCredential.js';
import { revoke } from './revokeTokens.js';

/** The state of the sign-in. */
export type Session =
  /** `reason`: the message for a session that ended; null if there was none. */
  | { readonly state: 'signedOut'; readonly reason: string | null }
  | {
      readonly state: 'signedIn';
      /** Returns the value of the Authorization header. Rejects and ends the session if the sign-in has expired. */
      readonly authorization: () => Promise<string>;
      /** @param reason shown on the sign-in page; without one, the user is signed out at the issuer too */
      readonly signOut: (reason?: string) => void;
    };

const SIGNED_OUT: Session = { state: 'signedOut', reason: null };

const listeners = new Set<() => void>();
let session: Session = restored();

/** The session. Only this page has it: a credential that is not in a cookie is never sent by other pages. */
export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => session,
  );
}

/** @param forTab whether a reload of this tab keeps the session */
export function signIn(credential: Credential, forTab: boolean): void {
  if (forTab) keep(credential);
  else forget();
  become(sessionOf(credential, forTab));
}

function restored(): Session {
  const credential = kept();
  return credential === null ? SIGNED_OUT : sessionOf(credential, true);
}

function sessionOf(given: Credential, forTab: boolean): Session {
  if (given.kind === 'key') {
    return { state: 'signedIn', authorization: () => Promise.resolve(`Bearer ${given.key}`), signOut: end };
  }
  let tokens = given;
  let renewing: Promise<string> | null = null;
  const renew = async (): Promise<string> => {
    const { renewed } = await import('./issuer.js');
    const next = await renewed(tokens);
    if (next === null) {
      const reason = 'Your session has expired. Sign in again.';
      if (session === own) end(reason);
      throw new Error(reason);
    }
    tokens = next;
    if (forTab && session === own) keep(tokens);
    return `Bearer ${tokens.access}`;
  };
  const own: Session = {
    state: 'signedIn',
    authorization: () => {
      if (Date.now() < tokens.until) return Promise.resolve(`Bearer ${tokens.access}`);
      // One renewal for all that wait: a refresh token may be valid only once.
      return (renewing ??= renew().finally(() => (renewing = null)));
    },
    signOut: (reason) => {
      end(reason);
      revoke(tokens);
      if (reason === undefined && tokens.endSession !== null) location.assign(tokens.endSession);
    },
  };
  return own;
}

function end(reason?: string): void {
  forget();
  become(reason === undefined ? SIGNED_OUT : { state: 'signedOut', reason });
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}
