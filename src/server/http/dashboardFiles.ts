import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';

/** A file as it is sent. */
interface BuiltFile {
  readonly body: Buffer;
  readonly type: string;
  /** Null if not compressed. */
  readonly encoding: 'br' | 'gzip' | null;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The encodings that the build produces, the smaller one first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/**
 * The built dashboard: its page, and its assets by name. The directory is listed once and each file is read once, at
 * the first visit, so that the API starts sooner (@fastify/static would add 80 ms). A requested name is only looked up
 * in this list and never becomes part of a path, which rules out path traversal.
 */
export class DashboardFiles {
  readonly #directory: URL;
  #listed: Promise<ReadonlySet<string>> | null = null;
  #page: Promise<string> | null = null;
  /** At most as many entries as there are files. */
  readonly #read = new Map<string, Promise<Buffer>>();

  /** @param directory with a trailing slash */
  constructor(directory: URL) {
    this.#directory = directory;
  }

  /** Returns index.html, or null if the dashboard was not built. */
  async page(): Promise<string | null> {
    this.#page ??= readFile(new URL('index.html', this.#directory), 'utf8');
    return this.#page.catch((error: unknown) => {
      this.#page = null;
      if (isMissing(error)) return null;
      throw error;
    });
  }

  /**
   * Returns an asset.
   *
   * @param accepted an Accept-Encoding field
   * @returns null if there is no asset with this name
   */
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

/**
 * Returns whether an Accept-Encoding field allows an encoding (RFC 9110 section 12.5.3). Ignores all weights but 0,
 * which refuses.
 */
function accepts(field: string, encoding: string): boolean {
  return field.split(',').some((each) => {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
