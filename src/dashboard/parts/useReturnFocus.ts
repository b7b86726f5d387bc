import { useEffect, useState } from 'react';

/**
 * Returns the focus to where it was before a dialog, or to the heading of the page if that element is gone. Mantine does this only for
 * dialogs that stay mounted while they are closed, and these dialogs don't.
 */
export function useReturnFocus(): void {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // The focus trap of the dialog must release the focus first.
      setTimeout(() => {
        const wanted = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : null;
        (wanted ?? document.querySelector('h1'))?.focus();
      });
    },
    [opener],
  );
}
