import { fileURLToPath } from 'node:url';

/** The project's directory. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
