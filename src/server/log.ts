import { pino, type Logger } from 'pino';
import type { Settings } from './settings/settings.js';

/** Creates a logger that writes to standard error. @param base fields to add to each line; null if none */
export function createLogger({ logLevel }: Pick<Settings, 'logLevel'>, base: { readonly pid: number } | null): Logger {
  return pino({ level: logLevel, base }, pino.destination(2));
}
