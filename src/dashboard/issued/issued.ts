import { createContext, useContext } from 'react';

/** A key that was just created. Its token is stored nowhere else. */
export interface Issued {
  readonly name: string;
  readonly token: string;
  /** Whether it was created or rotated, for the heading. */
  readonly by: 'creation' | 'rotation';
}

/** @internal For {@link IssuedKeys}. */
export const ShowIssued = createContext<(issued: Issued) => void>(() => {
  throw new Error('useShowIssued needs an IssuedKeys around the page.');
});

/** Shows a token above the open page until the reader confirms that they have stored it. */
export function useShowIssued(): (issued: Issued) => void {
  return useContext(ShowIssued);
}
