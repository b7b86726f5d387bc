/**
 * Where the server serves this page and the API: it writes both into the page. Vite's own server doesn't, and has the
 * addresses of the service.
 */
const { base, api } = document.documentElement.dataset;

/** The path of the dashboard, with a trailing slash. */
export const BASE: string = written(base) ?? '/dashboard/';

/** The path of the API that manages keys. The same process serves the dashboard. */
export const API: string = written(api) ?? '/admin/graphql';

function written(path: string | undefined): string | null {
  return path?.startsWith('/') === true ? path : null;
}
