import { useSyncExternalStore } from 'react';
import { forget, keep, kept, type Credential } from './credential.js';
import { revoke } from './revoke.js';

/** Who looks at the dashboard. */
export type Session =
  /** `reason`: why they no longer are signed in, for people; null where they never were. */
  | { readonly state: 'signedOut'; readonly reason: string | null }
  | {
      readonly state: 'signedIn';
      /** The value of the Authorization header. Rejects where a sign-in has run out, and ends the session. */
      readonly authorization: () => Promise<string>;
      /** @param reason shown at the sign-in; without it, who signed in at the issuer is signed out there too */
      readonly signOut: (reason?: string) => void;
    };

const SIGNED_OUT: Session = { state: 'signedOut', reason: null };

const listeners = new Set<() => void>();
let session: Session = restored();

/** The session, which the page alone holds: a credential that is in no cookie is sent by no other page. */
export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => session,
  );
}

/** @param forTab whether a reload of this tab shall find it again */
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
      // One renewal for all who wait: a refresh token may count once.
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
