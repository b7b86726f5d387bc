import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { CombinedError, type AnyVariables } from '@urql/core';
import { useCallback, useState } from 'react';
import { useClient } from 'urql';
import { faultOf, type Fault } from './apiFault.js';

/** The state of a mutation. */
interface Acting<Data, Input> {
  /** Sends the mutation once. If there is no response, it may have run, so it is not repeated. */
  readonly act: (input: Input) => Promise<Data | null>;
  readonly acting: boolean;
  /** The fault of the last attempt. */
  readonly fault: Fault | null;
  /** Removes the fault. */
  readonly reset: () => void;
}

export function useAct<Data, Input, Variables extends AnyVariables & { readonly input: Input }>(
  mutation: TypedDocumentNode<Data, Variables>,
): Acting<Data, Input> {
  const client = useClient();
  const [state, setState] = useState<{ readonly acting: boolean; readonly fault: Fault | null }>(IDLE);
  const act = useCallback(
    async (input: Input) => {
      setState({ acting: true, fault: null });
      const { data, error } = await client.mutation<Data>(mutation, { input }).toPromise();
      if (error === undefined && data !== undefined) {
        setState(IDLE);
        return data;
      }
      setState({ acting: false, fault: faultOf(error ?? new CombinedError({})) });
      return null;
    },
    [client, mutation],
  );
  const reset = useCallback(() => setState(IDLE), []);
  return { act, ...state, reset };
}

const IDLE = { acting: false, fault: null } as const;
