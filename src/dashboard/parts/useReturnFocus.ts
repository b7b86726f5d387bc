import { useEffect, useState } from 'react';

/**
 * Gives the focus back to where it was before a dialog; where that is gone, to the page's heading. Mantine's own does so
 * for dialogs that stay mounted while they are closed, and these do not.
 */
export function useReturnFocus(): void {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // The dialog's own trap lets go of the focus first.
      setTimeout(() => {
        const wanted = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : null;
        (wanted ?? document.querySelector('h1'))?.focus();
      });
    },
    [opener],
  );
}
