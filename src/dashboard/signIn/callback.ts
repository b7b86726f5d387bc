/**
 * What the issuer sent the browser back with; null: it did not. The address is cleared before anything else runs: a code in
 * it would be seen by whoever sees the address, and be in the history.
 */
export const callback: URLSearchParams | null = take();

function take(): URLSearchParams | null {
  if (location.pathname !== '/dashboard/callback') return null;
  const parameters = new URLSearchParams(location.search);
  history.replaceState(null, '', '/dashboard/');
  return parameters;
}
