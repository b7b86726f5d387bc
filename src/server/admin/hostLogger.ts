import type { FastifyBaseLogger } from 'fastify';
import { ANONYMOUS } from '../../core/auth/principal.js';
import type { Assembly } from '../../assembly/assembly.js';

const nothing = (): void => undefined;

/** Returns a logger that passes errors to the host's `log`, and nothing else: the host logs its requests itself. */
export function hostLogger(latchkey: Pick<Assembly, 'report'>): FastifyBaseLogger {
  const error = (given: unknown): void => {
    const err = typeof given === 'object' && given !== null && 'err' in given ? given.err : given;
    latchkey.report(err, { principal: ANONYMOUS });
  };
  const logger = {
    ...{ error, fatal: error, warn: nothing, info: nothing, debug: nothing, trace: nothing, silent: nothing },
    level: 'error',
    isLevelEnabled: (level: string) => level === 'error' || level === 'fatal',
    child: () => logger,
  };
  return logger;
}
