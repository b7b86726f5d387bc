import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { ShowIssued, type Issued } from './issued.js';
import { TokenDialog } from './TokenDialog.js';

/**
 * Keeps a token that was just created until the reader has stored it. It is above the pages and the session, so that neither the back
 * button nor a session that ends removes it.
 */
export function IssuedKeys({ children }: { readonly children: ReactNode }) {
  const [issued, setIssued] = useState<Issued | null>(null);
  const waiting = issued !== null;
  useEffect(() => {
    if (!waiting) return undefined;
    // The browser shows its own text.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [waiting]);
  const done = useCallback(() => setIssued(null), []);
  return (
    <ShowIssued value={setIssued}>
      {children}
      {issued !== null && <TokenDialog issued={issued} done={done} />}
    </ShowIssued>
  );
}
