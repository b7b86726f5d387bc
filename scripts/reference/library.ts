import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'rolldown/utils';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly types: string }>>;
};

/** The specifiers that programs import, and the files with their exports. */
export const ENTRIES = Object.entries(manifest.exports).map(([path, { types }]) => ({
  specifier: posix.join('latchkey', path),
  file: types.replace('./dist/types/', 'src/').replace('.d.ts', '.ts'),
}));

/** A node of the syntax tree, with the properties that are read here. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

/** An export of the package, as the sources declare and document it. */
export interface PublishedExport {
  readonly specifier: string;
  readonly name: string;
  /** The declaration, without bodies, private members and initial values. */
  readonly declaration: string;
  /** The text of the doc comment before its tags. */
  readonly summary: string;
  /** The other tags, such as `@throws TypeError`, each in one line. */
  readonly tags: readonly string[];
  /** The code of `@example`; null if there is none. */
  readonly example: string | null;
}

/** Returns the page docs/reference/library.md. It also shows changes of the public API in a review. */
export function libraryPage(): string {
  const all = publishedExports();
  const sections = ENTRIES.map(({ specifier }) => {
    const own = all.filter((each) => each.specifier === specifier);
    return [`## Exports of ${specifier}`, ...own.map((each) => entryOf(each, headingOf(each, all)))].join('\n\n');
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

const HEAD = `# Library reference

Everything that the package exports, with an example for each. How to use it in your server: [own-schema.md](../how-to/own-schema.md).
The client: [client.md](../how-to/client.md). \`npm run reference\` writes this page from the sources.

The examples read secrets from environment variables. Set those that an example uses before you run it:

\`\`\`
export KEY_PEPPER=$(openssl rand -hex 32) REPORTS_KEY=$(openssl rand -base64 32)
\`\`\`

Examples that import from \`@apollo/server\`, \`@graphql-tools/schema\`, \`graphql-request\` or another package need that package in your project.`;

/** Adds the specifier to names of several entries, and the kind to names that differ only in case: their anchors would be equal. */
function headingOf({ specifier, name, declaration }: PublishedExport, all: readonly PublishedExport[]): string {
  if (all.some((other) => other.name === name && other.specifier !== specifier)) return `${name} (${specifier})`;
  const isAlone = all.every((other) => other.name === name || other.name.toLowerCase() !== name.toLowerCase());
  return isAlone ? name : `${name} (${/^\w+/.exec(declaration)?.[0] ?? ''})`;
}

function entryOf({ declaration, summary, tags, example }: PublishedExport, heading: string): string {
  const list = tags.map((tag) => `- ${tag}`).join('\n');
  const code = `\`\`\`\n${declaration}\n\`\`\``;
  const shown = example === null ? '' : `\`\`\`ts\n${example}\n\`\`\``;
  return [`### ${heading}`, summary, list, code, shown].filter((part) => part !== '').join('\n\n');
}

/** Returns the exports of the package, in the order of the entry files. */
export function publishedExports(): readonly PublishedExport[] {
  return ENTRIES.flatMap(({ specifier, file }) =>
    reexports(file).map(({ name, from }) => ({ specifier, name, ...documented(from, name) })),
  );
}

/** Returns the names that an entry file exports, and the files that declare them. */
function reexports(file: string): { name: string; from: string }[] {
  return statementsOf(file).flatMap(({ node }) => {
    if (node.type !== 'ExportNamedDeclaration' || node.source === null) {
      throw new Error(`${file} must contain only exports of other files.`);
    }
    const { value } = node.source as { value: string };
    const from = posix.join(posix.dirname(file), value).replace(/\.js$/, '.ts');
    const specifiers = node.specifiers as readonly { readonly exported: { readonly name: string } }[];
    return specifiers.map(({ exported }) => ({ name: exported.name, from }));
  });
}

type Documented = Omit<PublishedExport, 'specifier' | 'name'>;

function documented(file: string, name: string): Documented {
  const found = statementsOf(file).find(({ declared }) => declared === name);
  if (found === undefined) throw new Error(`${file} does not declare ${name}.`);
  const fault = [found.text, found.comment].flatMap(linksOf).find((link) => !isOnPage(link, found.text));
  if (fault !== undefined) throw new Error(`${file}: the comment of ${name} links ${fault}, which is not exported.`);
  return { declaration: inCode(overloadsOf(file, name) ?? found.text), ...partsOf(found.comment) };
}

/** Returns the signatures of an overloaded function; null if it is not one. */
function overloadsOf(file: string, name: string): string | null {
  const overloads = statementsOf(file).filter(
    ({ node, declared }) => declared === name && (node.declaration as Node).type === 'TSDeclareFunction',
  );
  return overloads.length === 0 ? null : overloads.map(({ text }) => text.replace(/^declare /, '')).join('\n');
}

const LINK = /\{@link ([\w.]+)\}/g;

function linksOf(text: string): string[] {
  return [...text.matchAll(LINK)].map(([, link = '']) => link);
}

/** Returns whether the page describes the target of a link: an export, or a member of the declaration. */
function isOnPage(link: string, declaration: string): boolean {
  const [name = ''] = link.split('.');
  const isExported = ENTRIES.some(({ file }) => reexports(file).some((each) => each.name === name));
  return isExported || new RegExp(`^ *(readonly |get )?${name}\\??[:(<]`, 'm').test(declaration);
}

/** Returns a declaration for a code block: without links, which are not rendered there, and without comments for the linter. */
function inCode(declaration: string): string {
  return declaration.replace(LINK, '`$1`').replace(/^ *\/\/ oxlint-.*\n/gm, '');
}

interface Statement {
  readonly node: Node;
  /** The name that it declares and exports; null if none. */
  readonly declared: string | null;
  readonly text: string;
  /** The doc comment before it, without asterisks. */
  readonly comment: string;
}

const read = new Map<string, readonly Statement[]>();

function statementsOf(file: string): readonly Statement[] {
  const known = read.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(ROOT + file, 'utf8');
  const { program, comments, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new Error(`Cannot parse ${file}: ${errors[0].message}`);
  const statements = (program.body as unknown as readonly Node[]).map((node): Statement => {
    const comment = comments.findLast(({ end }) => end <= node.start && source.slice(end, node.start).trim() === '');
    const declaration = node.type === 'ExportNamedDeclaration' ? (node.declaration as Node | null) : null;
    return {
      node,
      declared: declaration === null ? null : nameOf(declaration),
      text: declaration === null ? '' : signature(declaration, source),
      comment: comment?.value.startsWith('*') === true ? comment.value.slice(1).replace(/^[ \t]*\*(?: |$)/gm, '') : '',
    };
  });
  read.set(file, statements);
  return statements;
}

function nameOf(declaration: Node): string {
  const [first] = (declaration.declarations ?? [declaration]) as readonly { readonly id: { readonly name: string } }[];
  return first?.id.name ?? '';
}

/** Returns a declaration as in a `.d.ts` file. */
function signature(declaration: Node, source: string): string {
  switch (declaration.type) {
    case 'FunctionDeclaration':
      return `${source.slice(declaration.start, (declaration.body as Node).start).trim()};`.replace(/^async /, '');
    case 'ClassDeclaration':
      return classSignature(declaration, source);
    case 'VariableDeclaration':
      return constantSignature(declaration, source);
    default:
      return source.slice(declaration.start, declaration.end);
  }
}

function constantSignature(declaration: Node, source: string): string {
  const [{ id, init }] = declaration.declarations as readonly [{ readonly id: Node; readonly init: Node }];
  // Without a type, the value is a literal.
  const end = (id.typeAnnotation as Node | null) === null ? init.end : id.end;
  return `const ${source.slice(id.start, end)};`;
}

function classSignature(declaration: Node, source: string): string {
  const body = declaration.body as Node & { readonly body: readonly Node[] };
  const members = body.body.flatMap((member, i) => {
    if ((member.key as Node | undefined)?.type === 'PrivateIdentifier') return [];
    const before = body.body[i - 1]?.end ?? body.start + 1;
    const comment = source.slice(before, member.start).trim();
    return [`${comment === '' ? '' : `  ${comment}\n`}  ${memberSignature(member, source)}`];
  });
  return `${source.slice(declaration.start, body.start)}{\n${members.join('\n')}\n}`;
}

function memberSignature(member: Node, source: string): string {
  const { body } = (member.value ?? {}) as { readonly body?: Node | null };
  if (body != null) return `${source.slice(member.start, body.start).trim()};`;
  const text = source.slice(member.start, member.end);
  return (member.typeAnnotation as Node | null | undefined) == null ? text : text.replace(/ = [^;]*;$/, ';');
}

/** Splits a doc comment into its text, its tags and its example. */
function partsOf(comment: string): Omit<Documented, 'declaration'> {
  const [, code = null] = /@example\s*```ts\n([^]*?)\n```/.exec(comment) ?? [];
  const text = comment.replace(/@example\s*```ts\n[^]*?\n```/, '').trim();
  const [summary = '', ...tags] = text.split(/(?:^|\s)(?=@(?:param|returns|throws|default|example)\b)/);
  return { summary: inMarkdown(summary), tags: tags.map((tag) => inMarkdown(tag).replace(/\s+/g, ' ')), example: code };
}

function inMarkdown(text: string): string {
  return text
    .trim()
    .replace(LINK, '`$1`')
    .replace(/^@(\w+)/, (_, tag: string) => `\`@${tag}\``);
}
