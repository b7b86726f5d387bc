import { faultOf } from './fault.js';
import { GRACE } from './http/connections.js';

/**
 * How long a stop may take after the server has stopped serving, in ms. With the default delay, the process ends within
 * 10 s, before `docker stop` kills it.
 */
const STOP_TIME = 6_500;

/**
 * Stops the process on SIGTERM and SIGINT. A second signal ends it immediately.
 *
 * @param stop stops serving. Its argument is the time in ms to continue serving, at most, but
 *   not less than {@link GRACE}
 * @param delay the argument of `stop` on SIGTERM. On SIGINT it is 0, because a person is waiting at a terminal.
 * @param abandon called before the process ends without a clean stop
 */
export function stopOnSignal(
  stop: (delay: number) => Promise<void>,
  delay: number,
  abandon: () => void = () => undefined,
): void {
  let isStopping = false;
  const exitNow = (): never => {
    abandon();
    process.exit(1);
  };
  const begin = (ms: number): void => {
    if (isStopping) exitNow();
    isStopping = true;
    setTimeout(exitNow, Math.max(ms, GRACE) + STOP_TIME).unref();
    stop(ms).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`The server did not stop cleanly. ${faultOf(error)}\n`);
        exitNow();
      },
    );
  };
  process.on('SIGINT', () => begin(0));
  process.on('SIGTERM', () => begin(delay));
}
