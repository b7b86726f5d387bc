import { BASE } from '../place.js';

/**
 * The parameters with which the issuer redirected back; null if it did not. They are removed from the URL before anything
 * else runs, because others can see it and the browser history keeps it.
 */
export const callback: URLSearchParams | null = take();

function take(): URLSearchParams | null {
  if (location.pathname !== `${BASE}callback`) return null;
  const parameters = new URLSearchParams(location.search);
  history.replaceState(null, '', BASE);
  return parameters;
}
