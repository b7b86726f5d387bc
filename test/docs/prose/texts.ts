import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Kind, parse, visit } from 'graphql';
import { parseSync } from 'rolldown/utils';
import { PROJECT } from '../../support/project.js';

export type TextKind = 'comment' | 'string' | 'title' | 'description' | 'paragraph';

/** A text that a person reads. Its line breaks are those of the file. */
export interface Text {
  readonly file: string;
  /** The line on which the text starts, from 1. */
  readonly line: number;
  readonly kind: TextKind;
  readonly text: string;
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number };
type Found = Omit<Text, 'file'>;

const TITLED = new Set(['it', 'test', 'describe']);
/** Instructions for tools. */
const DIRECTIVE = /^[!*\s]*(?:oxlint|eslint|prettier|@type|@jest|ts-|#__|istanbul|<reference)/;
const CODE =
  /^\s*(?:[{[(#<]|(?:query|mutation|subscription|fragment|type|extend|schema|input|enum|scalar|directive)\b)/;
const SQL = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|PRAGMA|WITH|BEGIN|DROP|FROM|WHERE|AND|ORDER)\b/;

/** The readers of texts, by the extension of the file's name. Shell scripts and the Dockerfile have none. */
export const READERS: Readonly<Record<string, (source: string, file: string) => Found[]>> = {
  '.ts': script,
  '.tsx': script,
  '.js': script,
  '.mjs': script,
  '.graphql': schema,
  '.md': page,
  '.sh': hashComments,
  '.yaml': hashComments,
  '.yml': hashComments,
  '': hashComments,
};

/** Folders with texts of others. */
const LEFT_OUT: ReadonlySet<string> = new Set(['generated', 'node_modules']);

/** Returns the files below a folder of the project that have texts, or the file itself if it has texts. */
export function filesIn(path: string): string[] {
  if (LEFT_OUT.has(basename(path))) return [];
  if (!statSync(join(PROJECT, path)).isDirectory()) return Object.hasOwn(READERS, extname(path)) ? [path] : [];
  return readdirSync(join(PROJECT, path))
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

/** Returns the texts of a file: comments and strings of a script, descriptions of a schema, paragraphs of a page. */
export function textsOf(file: string, source = readFileSync(join(PROJECT, file), 'utf8')): Text[] {
  const read = READERS[extname(file)];
  if (read === undefined) throw new Error(`No reader for ${file}: add one for ${extname(file)}.`);
  return read(source, file)
    .filter(({ text }) => /\p{L}{2}/u.test(text))
    .map((found) => ({ file, ...found }));
}

function script(source: string, file: string): Found[] {
  const { program, comments, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new Error(`Cannot parse ${file}: ${errors[0].message}`);
  const lineAt = lines(source);
  const found: Found[] = [];
  // The strings of a test are its inputs and the texts of the product.
  const keep = file.startsWith('test/') ? ['title'] : ['title', 'string'];
  strings(program as unknown as Node, (kind, start, text) => {
    if (keep.includes(kind) && (kind === 'title' || !CODE.test(text))) found.push({ kind, line: lineAt(start), text });
  });
  return [...found, ...commentsOf(source, comments, lineAt)].sort((one, other) => one.line - other.line);
}

interface Comment {
  readonly type: 'Block' | 'Line';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Line comments on lines that follow each other are one text. */
function commentsOf(source: string, comments: readonly Comment[], lineAt: (start: number) => number): Found[] {
  const found: (Found & { end: number })[] = [];
  for (const { type, value, start, end } of comments) {
    if (DIRECTIVE.test(value)) continue;
    const text = value.replace(/^[ \t]*\*+ ?/gm, '').replace(/^ /gm, '');
    const last = found.at(-1);
    const isNext = type === 'Line' && last !== undefined && /^\r?\n[ \t]*$/.test(source.slice(last.end, start));
    if (isNext) found[found.length - 1] = { ...last, text: `${last.text}\n${text}`, end };
    else found.push({ kind: 'comment', line: lineAt(start), text, end: type === 'Line' ? end : -1 });
  }
  return found.map(({ kind, line, text }) => ({ kind, line, text }));
}

function strings(node: Node, tell: (kind: 'string' | 'title', start: number, text: string) => void): void {
  if (/^(?:Import|Export(?!Default|Named)|TS(?:Literal|Template)Type)/.test(node.type)) return;
  const title = titleOf(node);
  if (title !== undefined) tell('title', title.start, literal(title) ?? '');
  const text = node.type === 'JSXElement' || node.type === 'JSXFragment' ? marked(node) : literal(node);
  if (text !== null && /\p{L}{2}.* |^\p{Lu}\p{Ll}+/su.test(text) && !SQL.test(text)) tell('string', node.start, text);
  const isWhole = node.type === 'BinaryExpression' && text !== null;
  for (const child of childrenOf(node)) if (child !== title && !isWhole) strings(child, tell);
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof value === 'object' && value !== null && 'type' in value);
}

/** Returns the title in a call such as `it('…', …)` or `it.each(…)('…', …)`. */
function titleOf({ type, callee, arguments: given }: Node): Node | undefined {
  if (type !== 'CallExpression') return undefined;
  let called = callee as Node;
  while (called.type !== 'Identifier') {
    const inner = (called.object ?? called.callee ?? called.tag) as Node | undefined;
    if (inner === undefined) return undefined;
    called = inner;
  }
  const [first] = given as Node[];
  return TITLED.has(called.name as string) && first !== undefined && literal(first) !== null ? first : undefined;
}

/** Returns the text of a string, a template or a concatenation, with `…` in place of values; null if it is something else. */
function literal(node: Node): string | null {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : null;
  if (node.type === 'TemplateLiteral') {
    return (node.quasis as { value: { cooked: string | null } }[]).map(({ value }) => value.cooked ?? '').join('…');
  }
  if (node.type !== 'BinaryExpression' || node.operator !== '+') return null;
  const [left, right] = [literal(node.left as Node), literal(node.right as Node)];
  return left === null && right === null ? null : `${left ?? '…'}${right ?? '…'}`;
}

/** Returns the text between the tags of an element, with `…` in place of values and elements. */
function marked(node: Node): string | null {
  const children = node.children as Node[];
  if (!children.some((child) => child.type === 'JSXText' && (child.value as string).trim() !== '')) return null;
  return children
    .map((child) => {
      if (child.type === 'JSXText') return child.value as string;
      return (child.type === 'JSXExpressionContainer' ? literal(child.expression as Node) : null) ?? '…';
    })
    .join('')
    .replace(/^\s+|\s+$/g, '');
}

function schema(source: string): Found[] {
  const found: Found[] = source
    .split('\n')
    .flatMap((line, i) => (/^\s*#/.test(line) ? [{ kind: 'comment' as const, line: i + 1, text: line }] : []));
  visit(parse(source), {
    [Kind.STRING]: ({ value, loc }) => {
      found.push({ kind: 'description', line: loc?.startToken.line ?? 1, text: value });
    },
  });
  return found.sort((one, other) => one.line - other.line);
}

/** Returns the comments on lines that start with #. Lines that follow each other are one text. */
function hashComments(source: string): Found[] {
  const lineAt = lines(source);
  return [...source.matchAll(/(?:^[ \t]*#(?!!).*(?:\n|$))+/gm)].map((match) => ({
    kind: 'comment' as const,
    line: lineAt(match.index),
    text: match[0].replace(/^[ \t]*#+ ?/gm, '').trimEnd(),
  }));
}

/** Paragraphs, list items and rows of tables, without blocks of code. */
function page(source: string): Found[] {
  const text = source.replace(/^( *)```.*?^\1```$/gms, (block) => block.replace(/[^\n]/g, ''));
  const lineAt = lines(text);
  return [...text.matchAll(/(?:^(?! *$).*(?:\n|$))+/gm)].map((match) => ({
    kind: 'paragraph' as const,
    line: lineAt(match.index),
    text: match[0].replace(/\]\([^)]*\)/g, ']').trimEnd(),
  }));
}

function lines(source: string): (start: number) => number {
  const starts = [...source.matchAll(/\n/g)].map(({ index }) => index);
  return (start) => {
    const next = starts.findIndex((index) => index >= start);
    return (next === -1 ? starts.length : next) + 1;
  };
}
