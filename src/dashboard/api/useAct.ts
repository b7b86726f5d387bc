import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { CombinedError, type AnyVariables } from '@urql/core';
import { useCallback, useState } from 'react';
import { useClient } from 'urql';
import { faultOf, type Fault } from './fault.js';

/** A change, as far as it has got. */
export interface Acting<Data, Input> {
  /** Makes the change once, whatever comes of it: nobody knows whether one that was not answered was made. */
  readonly act: (input: Input) => Promise<Data | null>;
  readonly acting: boolean;
  /** Of the last attempt. */
  readonly fault: Fault | null;
  /** Forgets the fault. */
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
