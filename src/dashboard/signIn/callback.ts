/**
 * The parameters with which the issuer sent the browser back; null: it did not. The address is cleared before anything else runs,
 * because others can see it, and the history keeps it.
 */
export const callback: URLSearchParams | null = take();

function take(): URLSearchParams | null {
  if (location.pathname !== '/dashboard/callback') return null;
  const parameters = new URLSearchParams(location.search);
  history.replaceState(null, '', '/dashboard/');
  return parameters;
}
