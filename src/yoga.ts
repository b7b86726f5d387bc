export { useLatchkey } from './adapters/yoga/useLatchkey.js';
export type { UseLatchkeyOptions } from './adapters/yoga/yogaOptions.js';
