import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import mongoose from 'mongoose';

const { BSON } = mongoose.mongo;
type Message = Readonly<Record<string, unknown>>;

const OP_MSG = 2013;
const [HEADER, FLAGS_AND_KIND] = [16, 5];

/**
 * A connection to a MongoDB-compatible server on which a test changes replies, to imitate a replica set. Replies to the
 * driver's first command, which have another format, are unchanged.
 */
export class ReplyRewriter {
  /** @returns the reply to send; null: none */
  rewrite: (reply: Message, command: Message) => Message | null = (reply) => reply;
  /** @returns a reply that is sent instead of passing the command on; null: it is passed on */
  refuse: (command: Message) => Message | null = () => null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.#server = server;
    server.on('connection', (client) => this.#join(client, connect(target)));
  }

  static async to(host: string, port: number): Promise<ReplyRewriter> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ReplyRewriter(server, { host, port });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket, server: Socket): void {
    const commands = new Map<number, Message>();
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on(
      'data',
      inMessages((message) => {
        const body = bodyOf(message);
        const refusal = body === null ? null : this.refuse(body);
        if (refusal !== null) {
          client.write(replyTo(message, refusal));
          return;
        }
        if (body !== null) commands.set(message.readInt32LE(4), body);
        server.write(message);
      }),
    );
    server.on(
      'data',
      inMessages((message) => {
        const body = bodyOf(message);
        const rewritten = body === null ? null : this.rewrite(body, commands.get(message.readInt32LE(8)) ?? {});
        if (body === null) client.write(message);
        else if (rewritten !== null) client.write(withBody(message, rewritten));
      }),
    );
  }
}

/** Calls back with each complete message. */
function inMessages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

/** The first section of an OP_MSG, if it is a body; null for other messages. */
function bodyOf(message: Buffer): Message | null {
  if (message.readInt32LE(12) !== OP_MSG || message[HEADER + 4] !== 0) return null;
  const start = HEADER + FLAGS_AND_KIND;
  const length = message.readInt32LE(start);
  return BSON.deserialize(message.subarray(start, start + length), { promoteLongs: false });
}

/** A whole message that replies to another one. */
function replyTo(message: Buffer, body: Message): Buffer {
  const head = Buffer.alloc(HEADER + FLAGS_AND_KIND);
  message.copy(head, 8, 4, 8);
  head.writeInt32LE(OP_MSG, 12);
  return withBody(head, body);
}

function withBody(message: Buffer, body: Message): Buffer {
  const section = BSON.serialize(body);
  const head = Buffer.from(message.subarray(0, HEADER + FLAGS_AND_KIND));
  // A checksum would belong to the former body.
  head.writeUInt32LE(0, HEADER);
  head.writeInt32LE(head.length + section.length, 0);
  return Buffer.concat([head, section]);
}
