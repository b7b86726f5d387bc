import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { ShowIssued, type Issued } from './issued.js';
import { TokenDialog } from './TokenDialog.js';

/**
 * Holds a token that was just made until its reader has it. Above the pages and the session: neither the browser's way
 * back nor a credential that ends in this moment takes it away.
 */
export function IssuedKeys({ children }: { readonly children: ReactNode }) {
  const [issued, setIssued] = useState<Issued | null>(null);
  const waiting = issued !== null;
  useEffect(() => {
    if (!waiting) return undefined;
    // The browser asks in words of its own.
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
