import { createContext, useContext } from 'react';

/** A key that was just made. Its token exists here and nowhere else. */
export interface Issued {
  readonly name: string;
  readonly token: string;
  /** What it came from, for the heading. */
  readonly by: 'creation' | 'rotation';
}

/** @internal For {@link IssuedKeys}. */
export const ShowIssued = createContext<(issued: Issued) => void>(() => {
  throw new Error('There is no IssuedKeys around this page.');
});

/** Shows a token, above whatever page is open, until its reader says that they have it. */
export function useShowIssued(): (issued: Issued) => void {
  return useContext(ShowIssued);
}
