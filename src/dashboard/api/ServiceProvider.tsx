import { cacheExchange, Client, fetchExchange, mapExchange } from '@urql/core';
import { useMemo, type ReactNode } from 'react';
import { Provider } from 'urql';
import { API } from '../place.js';
import type { Session } from '../signIn/session.js';
import { faultOf } from './apiFault.js';

type SignedIn = Extract<Session, { state: 'signedIn' }>;

/** Provides a client that sends the session's credential, and ends the session if the credential is no longer valid. */
export function ServiceProvider({ session, children }: { readonly session: SignedIn; readonly children: ReactNode }) {
  const client = useMemo(() => clientOf(session), [session]);
  return <Provider value={client}>{children}</Provider>;
}

function clientOf({ authorization, signOut }: SignedIn): Client {
  return new Client({
    url: API,
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', await authorization());
      return fetch(input, { ...init, headers, credentials: 'omit' });
    },
    exchanges: [
      cacheExchange,
      mapExchange({
        onError: (error) => {
          const fault = faultOf(error);
          if (fault.kind === 'signedOut') signOut(fault.message);
        },
      }),
      fetchExchange,
    ],
  });
}
