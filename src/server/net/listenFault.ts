/** Settings of an address to listen on. */
interface ListenSettings {
  readonly port: number;
  readonly host: string;
  /** Name of the setting of the port. */
  readonly portName: string;
  /** Name of the setting of the host. */
  readonly hostName: string;
}

/** The system may query several servers for a name, and each may time out. In ms. */
const LONGEST_LOOKUP = 5_000;

const ANOTHER_HOST = 'Set it to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for all of them.';

/**
 * Waits until a server listens.
 *
 * @throws Error that names the setting and the fix; its cause is the system's error
 */
export async function listening<T>(settings: ListenSettings, listen: Promise<T>): Promise<T> {
  let timer;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no response'), { code: 'EAI_AGAIN' })), LONGEST_LOOKUP);
  });
  try {
    return await Promise.race([listen, tooLong]);
  } catch (cause) {
    throw listenFault(settings, cause);
  } finally {
    clearTimeout(timer);
  }
}

function listenFault({ port, host, portName, hostName }: ListenSettings, cause: unknown): Error {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const shownHost = JSON.stringify(host.slice(0, 100));
  switch (code) {
    case 'EADDRINUSE':
      return new Error(
        `${portName} is ${port}, which is in use. Stop the process that uses it, or set ${portName} to another port (0 picks a free one).`,
        { cause },
      );
    case 'EACCES':
      return new Error(
        `${portName} is ${port}, on which this process may not listen. Set ${portName} to 1024 or higher, or give the process the capability CAP_NET_BIND_SERVICE.`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new Error(`${hostName} is ${shownHost}, which is not an address of this machine. ${ANOTHER_HOST}`, {
        cause,
      });
    default:
      if (isLookup(cause)) {
        return new Error(`${hostName} is ${shownHost}, a host name that is not found. ${ANOTHER_HOST}`, { cause });
      }
      return cause instanceof Error ? cause : new Error(String(cause));
  }
}

function isLookup(cause: unknown): boolean {
  const { code = '', syscall } = cause as NodeJS.ErrnoException;
  return syscall === 'getaddrinfo' || code.startsWith('EAI_') || code === 'ENOTFOUND';
}
