import { faultOf } from './fault.js';
import { GRACE } from './http/connections.js';

/**
 * How long a stop may take once the server no longer serves, in ms. With the default delay the process ends before
 * `docker stop` kills it, after 10 s.
 */
const STOP_TIME = 6_500;

/**
 * Stops the process on SIGTERM and SIGINT; a second signal ends it at once.
 *
 * @param stop stops serving; its argument is how long to go on serving at most, in ms, if that is longer than {@link GRACE}
 * @param delay that argument on SIGTERM. On SIGINT it is 0: somebody waits at a terminal.
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
