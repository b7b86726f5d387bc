import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';

/** A file as it is sent. */
export interface BuiltFile {
  readonly body: Buffer;
  readonly type: string;
  /** Null: as it is. */
  readonly encoding: 'br' | 'gzip' | null;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** What the build compressed, the smaller one first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/**
 * The dashboard as it was built: its page, and its assets by their names. Listed once and each read once, at the first
 * visit, for the start of an API should not wait for a page (@fastify/static takes 80 ms of it). What a request names is
 * only ever looked for in that list and never becomes a path, so there is nothing to climb out of.
 */
export class DashboardFiles {
  readonly #directory: URL;
  #listed: Promise<ReadonlySet<string>> | null = null;
  #page: Promise<string> | null = null;
  /** No more than the list has. */
  readonly #read = new Map<string, Promise<Buffer>>();

  /** @param directory with a slash at its end */
  constructor(directory: URL) {
    this.#directory = directory;
  }

  /** index.html; null: the dashboard was not built. */
  async page(): Promise<string | null> {
    this.#page ??= readFile(new URL('index.html', this.#directory), 'utf8');
    return this.#page.catch((error: unknown) => {
      this.#page = null;
      if (isMissing(error)) return null;
      throw error;
    });
  }

  /** @param accepted an Accept-Encoding field @returns null where the build has no asset of that name */
  async asset(name: string, accepted = ''): Promise<BuiltFile | null> {
    const listed = await this.#list();
    const type = TYPES[extname(name)];
    if (type === undefined || !listed.has(name)) return null;
    const [encoding, ending] = ENCODINGS.find(([encoding, ending]) => {
      return accepts(accepted, encoding) && listed.has(name + ending);
    }) ?? [null, ''];
    return { body: await this.#body(name + ending), type, encoding };
  }

  #list(): Promise<ReadonlySet<string>> {
    this.#listed ??= readdir(new URL('assets/', this.#directory)).then((names) => new Set(names));
    return this.#listed.catch((error: unknown) => {
      this.#listed = null;
      if (isMissing(error)) return new Set<string>();
      throw error;
    });
  }

  #body(name: string): Promise<Buffer> {
    let body = this.#read.get(name);
    if (body === undefined) {
      body = readFile(new URL(`assets/${encodeURIComponent(name)}`, this.#directory));
      this.#read.set(name, body);
      body.catch(() => this.#read.delete(name));
    }
    return body;
  }
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'ENOENT';
}

/** RFC 9110 section 12.5.3, without weighing: all that matters is whether it is refused by a weight of nothing. */
function accepts(field: string, encoding: string): boolean {
  return field.split(',').some((each) => {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
