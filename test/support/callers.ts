import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Agent as UndiciAgent, fetch } from 'undici';

/** An HTTP client on loopback that retries nothing. */
export interface Caller {
  /** Resolves with the status once the whole response has arrived. Rejects if the connection breaks. */
  post(port: number, path: string, headers: Readonly<Record<string, string>>, body: string): Promise<number>;
  close(): void;
}

/** The client of node:http. @param keepAlive keeps connections, or opens one for each request */
export function nodeCaller(keepAlive: boolean): Caller {
  const agent = new Agent({ keepAlive });
  return {
    post: (port, path, headers, body) =>
      new Promise((resolve, reject) => {
        const sent = request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers });
        sent.on('error', reject);
        sent.on('response', (response) => {
          response.on('error', reject).resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** The fetch of undici, as Node has it built in. */
export function fetchCaller(): Caller {
  const dispatcher = new UndiciAgent();
  return {
    async post(port, path, headers, body) {
      const init = { method: 'POST', headers, body, dispatcher };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      await response.text();
      return response.status;
    },
    close: () => void dispatcher.destroy(),
  };
}

/** A client that writes to sockets. It keeps a connection until a response says `Connection: close` or the server closes it. */
export function socketCaller(): Caller {
  const idle = new Map<number, Set<Socket>>();
  const all = new Set<Socket>();
  const open = (port: number): Socket => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    all.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      all.delete(socket);
      idle.get(port)?.delete(socket);
    });
    socket.on('end', () => idle.get(port)?.delete(socket));
    return socket;
  };
  const take = (port: number): Socket => {
    const [socket] = idle.get(port) ?? [];
    if (socket === undefined) return open(port);
    idle.get(port)?.delete(socket);
    return socket;
  };
  return {
    async post(port, path, headers, body) {
      const socket = take(port);
      const fields = { host: `127.0.0.1:${port}`, 'content-length': String(body.length), ...headers };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
      socket.write([`POST ${path} HTTP/1.1`, ...lines, '', body].join('\r\n'));
      const head = await responseOn(socket);
      if (/^connection: close\r?$/im.test(head)) socket.end();
      else idle.set(port, (idle.get(port) ?? new Set()).add(socket));
      return Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    },
    close: () => {
      for (const socket of all) socket.destroy();
    },
  };
}

/** Reads one response with a Content-Length. @returns its head */
function responseOn(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const done = (): void => {
      socket.off('data', read).off('end', broke).off('close', broke);
    };
    const broke = (): void => {
      done();
      reject(new Error(`The connection ended after ${text.length} characters of a response.`));
    };
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end + 2);
      const length = Number(/^content-length: (\d+)\r?$/im.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      done();
      resolve(head);
    };
    socket.on('data', read).on('end', broke).on('close', broke);
  });
}
