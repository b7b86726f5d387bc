import { faultOf } from './fault.js';

/** How long what runs may take to finish after the signal, in ms. */
const DRAIN_TIME = 10_000;

/**
 * SIGINT and SIGTERM finish what runs and end the process; the second signal means now.
 * @param abandon to be done before an end that did not wait
 */
export function drainOnSignal(close: () => Promise<void>, abandon: () => void = () => undefined): void {
  let draining = false;
  const exitNow = (): never => {
    abandon();
    process.exit(1);
  };
  const drain = (): void => {
    if (draining) exitNow();
    draining = true;
    setTimeout(exitNow, DRAIN_TIME).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`The server did not stop cleanly. ${faultOf(error)}\n`);
        exitNow();
      },
    );
  };
  process.on('SIGINT', drain);
  process.on('SIGTERM', drain);
}
