import { EXIT, type ExitCode } from '../exit.js';
import { visible } from '../visibleText.js';
import type { Find } from './tokenFinder.js';

/** The maximum number of listed findings. Anyone can write a text full of tokens, so the list must be limited. */
const MAX_FINDS = 10_000;

/** The maximum number of places that were not scanned: in JSON, and in the output for people. */
const MAX_LISTED = 100_000;
const MAX_NAMED = 50;

/** The reasons why a place was not scanned, or only partly. A place that could not be read has a separate reason. */
const REASONS = {
  binary: 'binary, searched for plain tokens only',
  compressed: 'compressed, not scanned',
  link: 'link, not followed',
  other: 'neither a file nor a directory, not scanned',
  'too deep': 'too many directories within each other, not scanned',
} as const;

type Reason = keyof typeof REASONS;

export interface Found extends Find {
  readonly file: string;
}

interface NotScanned {
  readonly file: string;
  readonly reason: string;
}

/** The findings of a scan and the scanned files. Each position is counted once, even if it is not listed. */
export class ScanReport {
  readonly #findings: Found[] = [];
  readonly #unreadable: NotScanned[] = [];
  readonly #notScanned: NotScanned[] = [];
  readonly #counts = new Map<Reason | 'scanned' | 'unreadable', number>();
  #withTokens = 0;
  #last: string | null = null;

  /** Whether the list of findings is full. */
  isFull(): boolean {
    return this.#findings.length >= MAX_FINDS;
  }

  /** The number of places that were checked. */
  get looked(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  begin(): void {
    this.#last = null;
  }

  find(found: Found): void {
    if (this.#last !== found.file) this.#withTokens += 1;
    this.#last = found.file;
    this.#findings.push(found);
  }

  scanned(): void {
    this.#count('scanned');
  }

  unreadable(file: string, reason: string): void {
    this.#count('unreadable');
    if (this.#hasRoom) this.#unreadable.push({ file, reason });
  }

  notScanned(file: string, reason: Reason): void {
    this.#count(reason);
    if (this.#hasRoom) this.#notScanned.push({ file, reason });
  }

  exitCode(): ExitCode {
    if (this.#findings.length > 0) return EXIT.failed;
    if (this.#of('scanned') === 0 && this.looked > 0) return EXIT.notScanned;
    return this.#of('unreadable') > 0 ? EXIT.failed : EXIT.ok;
  }

  toJSON(): object {
    return {
      findings: this.#findings,
      unreadable: this.#unreadable,
      notScanned: this.#notScanned,
      files: this.#of('scanned') + this.#of('binary'),
      filesWithTokens: this.#withTokens,
      counts: Object.fromEntries(this.#counts),
      more: this.isFull(),
    };
  }

  /** Formats the places that were not scanned for people, up to {@link MAX_NAMED}, and the counts of the rest. */
  lines(): string[] {
    const places = [
      ...this.#unreadable,
      ...this.#notScanned.map(({ file, reason }) => ({ file, reason: REASONS[reason as Reason] })),
    ];
    const lines = places.slice(0, MAX_NAMED).map(({ file, reason }) => `${visible(file)}: ${reason}.`);
    const rest = this.looked - this.#of('scanned') - lines.length;
    if (rest > 0) lines.push(`${rest} more were not scanned; --json lists them.`);
    return [...lines, `${this.#filesInWords()} ${this.#tokensInWords()}`];
  }

  #filesInWords(): string {
    const kinds = (['scanned', 'binary', 'compressed', 'unreadable'] as const).filter((kind) => this.#of(kind) > 0);
    const files = counted(
      kinds.reduce((sum, kind) => sum + this.#of(kind), 0),
      'file',
    );
    const [only] = kinds;
    const told =
      kinds.length > 1
        ? `${files}: ${kinds.map((kind) => `${this.#of(kind)} ${kind}`).join(', ')}.`
        : `${files} ${only ?? 'scanned'}.`;
    const others = (['link', 'other', 'too deep'] as const).reduce((sum, kind) => sum + this.#of(kind), 0);
    return others === 0 ? told : `${told} ${others} other ${others === 1 ? 'entry' : 'entries'} not scanned.`;
  }

  #tokensInWords(): string {
    const tokens = counted(this.#findings.length, 'token');
    if (this.#findings.length === 0) return `${tokens}.`;
    return `${tokens} in ${counted(this.#withTokens, 'file')}${this.isFull() ? '; there may be more' : ''}.`;
  }

  get #hasRoom(): boolean {
    return this.#unreadable.length + this.#notScanned.length < MAX_LISTED;
  }

  #count(kind: Reason | 'scanned' | 'unreadable'): void {
    this.#counts.set(kind, this.#of(kind) + 1);
  }

  #of(kind: Reason | 'scanned' | 'unreadable'): number {
    return this.#counts.get(kind) ?? 0;
  }
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
