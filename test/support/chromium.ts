import { existsSync } from 'node:fs';

/**
 * Debian's package. The headless shell is the same engine without windows, and needs less than half of the CPU time for
 * a page. Its script in /usr/bin only passes its arguments on.
 */
const INSTALLED = ['/usr/lib/chromium/chromium-headless-shell', '/usr/bin/chromium'];

/** The browser that tests start. `.ci/debian` installs it. */
export const CHROMIUM = INSTALLED.find((path) => existsSync(path)) ?? 'chromium';
