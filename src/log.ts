import { pino, type Logger } from 'pino';
import type { Settings } from './settings/settings.js';

/** Writes to standard error. @param base what stands in each line; null: nothing more */
export function createLogger({ logLevel }: Pick<Settings, 'logLevel'>, base: { readonly pid: number } | null): Logger {
  return pino({ level: logLevel, base }, pino.destination(2));
}
