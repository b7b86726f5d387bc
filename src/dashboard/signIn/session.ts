import { useSyncExternalStore } from 'react';

/** Who looks at the dashboard. */
export type Session =
  /** `reason`: why they no longer are signed in, for people; null where they never were. */
  | { readonly state: 'signedOut'; readonly reason: string | null }
  | {
      readonly state: 'signedIn';
      /** The value of the Authorization header. */
      readonly authorization: () => Promise<string>;
      /** @param reason shown at the sign-in */
      readonly signOut: (reason?: string) => void;
    };

const SIGNED_OUT: Session = { state: 'signedOut', reason: null };

const listeners = new Set<() => void>();
let session: Session = SIGNED_OUT;

/** The session, which the page alone holds: a key that is in no cookie is sent by no other page. */
export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => session,
  );
}

export function signInWithKey(key: string): void {
  become({
    state: 'signedIn',
    authorization: () => Promise.resolve(`Bearer ${key}`),
    signOut: (reason) => become(reason === undefined ? SIGNED_OUT : { state: 'signedOut', reason }),
  });
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}
