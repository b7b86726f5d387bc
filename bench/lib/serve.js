import { once } from 'node:events';

/** Calls that every child supports. */
const COMMON = {
  /** Processor time that this process has taken, in µs. */
  processorTime() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

/**
 * The child's side of {@link import('./child.js').Child}: runs `start` with the options of this process, reports the
 * result, and runs calls until the channel closes.
 *
 * @param {(options: any) => Promise<{
 *   ready?: unknown,
 *   calls?: Record<string, (...args: any[]) => unknown>,
 *   close?: () => Promise<void>,
 * }>} start
 */
export async function serve(start) {
  try {
    const { ready = {}, calls = {}, close = async () => {} } = await start(await firstMessage());
    process.on('message', ({ id, call, args }) => {
      Promise.resolve()
        .then(() => ({ ...COMMON, ...calls })[call](...args))
        .then(
          (result) => process.send?.({ id, result }),
          (error) => process.send?.({ id, error: String(error?.stack ?? error) }),
        );
    });
    process.once('disconnect', () => void close().finally(() => process.exit(0)));
    process.send?.({ id: 'ready', result: ready });
  } catch (error) {
    process.send?.({ id: 'ready', error: String(error?.stack ?? error) }, () => process.exit(1));
  }
}

async function firstMessage() {
  const [options] = await once(process, 'message');
  return options;
}
