import { cacheExchange, Client, fetchExchange, mapExchange } from '@urql/core';
import { useMemo, type ReactNode } from 'react';
import { Provider } from 'urql';
import type { Session } from '../signIn/session.js';
import { faultOf } from './fault.js';

type SignedIn = Extract<Session, { state: 'signedIn' }>;

/** Where the API is: the dashboard is served by the same process. */
export const API = '/graphql';

/** Gives the pages a client that asks with the session's credential, and ends the session where that no longer counts. */
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
