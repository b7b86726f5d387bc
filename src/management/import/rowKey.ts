import { lookupIdOf, locateDigest, MAX_LOCATOR, nameOf } from '../../core/keys/foreign.js';
import { formatMoment } from '../../shared/dates/moments.js';
import { checkName } from '../../core/keys/keyInput.js';
import { Refusal } from '../../core/errors/refusal.js';
import { flagOf, isAbsent, isNull, momentOf, textOf, unwrapped } from './cells.js';
import { bcryptOf, sha256Of } from './digests.js';
import type { Mapping } from './mapping.js';
import type { Column } from './presets.js';
import type { Fields } from './rows.js';
import { foreignScopes } from './mapScopes.js';

/** A key as read from one row, before scopes and owner are mapped. */
export interface RowKey {
  readonly lookupId: string;
  /** The hash that the other system stored: a SHA-256 in hexadecimal, or a bcrypt hash. */
  readonly kept: string;
  readonly name: string;
  /** The part of the token that may be displayed, or an empty string. */
  readonly shown: string;
  /** The names of the scopes in the other system. */
  readonly scopes: readonly string[];
  readonly owner: string | null;
  /** Why the key does not work in the other system, except for expiry; null if it works. */
  readonly ended: Ended | null;
  readonly expiresAt: number | null;
  readonly createdAt: number | null;
}

/** `at`: when the key ended, in milliseconds since the epoch; null if unknown. */
interface Ended {
  readonly reason: 'disabled' | 'revoked';
  readonly at: number | null;
}

/** The maximum length of the displayed part of a token, so that most of the token stays secret. */
const MAX_SHOWN = 24;

class Unreadable extends Error {}

/** Reads a row. @returns the key, or a message with the problem, which contains no part of a digest */
export function readRow(fields: Fields, mapping: Mapping, now: number): RowKey | { readonly problem: string } {
  try {
    return new RowReader(fields, mapping, now).read();
  } catch (error) {
    if (error instanceof Unreadable || error instanceof Refusal) return { problem: error.message };
    throw error;
  }
}

class RowReader {
  readonly #fields: Fields;
  readonly #mapping: Mapping;
  readonly #now: number;

  constructor(fields: Fields, mapping: Mapping, now: number) {
    this.#fields = fields;
    this.#mapping = mapping;
    this.#now = now;
  }

  read(): RowKey {
    const shown = this.#text('shown') ?? '';
    if (shown.length > MAX_SHOWN || !/^[\x21-\x7e]*$/.test(shown)) {
      throw new Unreadable(
        `The displayed part of a token has at most ${MAX_SHOWN} visible characters. Map another column.`,
      );
    }
    const uses = this.#text('uses');
    if (uses !== null && this.#mapping.limitedUses === 'refuse') {
      throw new Unreadable(
        'The key has a limited number of uses, which an import cannot carry over. To import it without the limit, set `limitedUses: drop`.',
      );
    }
    const scopes = foreignScopes(this.#cell('scopes'));
    if (scopes === null) {
      throw new Unreadable(
        'The scopes are neither a list of names nor permissions by resource, each named once. Export them as JSON.',
      );
    }
    return {
      ...this.#digest(),
      name: checkName(this.#text('name') ?? (shown === '' ? 'imported key' : `imported key ${shown}`)),
      shown,
      scopes,
      owner: this.#text('owner'),
      ended: this.#ended(),
      expiresAt: this.#moment('expires'),
      createdAt: this.#moment('created'),
    };
  }

  #digest(): Pick<RowKey, 'lookupId' | 'kept'> {
    const { scheme } = this.#mapping;
    const text = this.#text('digest');
    if (text === null) throw new Unreadable('The row has no digest. Map its column (columns.digest).');
    if (scheme.kind === 'sha256') {
      const digest = sha256Of(text);
      if (digest !== null) return { lookupId: locateDigest(digest).lookupId, kept: digest };
      throw new Unreadable(
        'The digest is not a SHA-256 in hexadecimal, base64 or base64url. If it is a plain-text key, hash it in the export.',
      );
    }
    const kept = bcryptOf(text);
    if (kept === null)
      throw new Unreadable('The digest is not a bcrypt hash ($2a$, $2b$ or $2y$) with a cost from 4 to 15.');
    return { lookupId: lookupIdOf(scheme, this.#locator()), kept };
  }

  #locator(): string {
    const { scheme } = this.#mapping;
    const text = this.#text('locator') ?? '';
    const fits =
      scheme.kind === 'sha256' ||
      ('prefix' in scheme.locator
        ? text.length === scheme.locator.prefix
        : text.length <= MAX_LOCATOR && !text.includes(scheme.locator.until));
    if (fits && /^[\x21-\x7e]+$/.test(text)) return text;
    throw new Unreadable(
      `The column columns.locator does not contain the exact start of a token, as ${nameOf(scheme)} requires.`,
    );
  }

  #ended(): Ended | null {
    const revoked = this.#revoked();
    const enabled = this.#flag('enabled') ?? true;
    return revoked ?? (enabled ? null : { reason: 'disabled', at: null });
  }

  /** The column contains the time of the revocation, or whether the key is revoked. Other values are refused, not guessed. */
  #revoked(): Ended | null {
    const cell = this.#cell('revoked');
    if (isNull(cell)) return null;
    const flag = flagOf(cell);
    if (flag !== null) return flag ? { reason: 'revoked', at: null } : null;
    const read = momentOf(cell, this.#mapping.dates);
    if ('problem' in read) {
      throw new Unreadable(`${this.#nameOf('revoked')} ${read.problem}. It may also be true, false or NULL.`);
    }
    if (read.value <= this.#now) return { reason: 'revoked', at: read.value };
    throw new Unreadable(
      `${this.#nameOf('revoked')} is in the future, ${formatMoment(read.value)}: the key still works. If keys expire at that time, map the column as columns.expires.`,
    );
  }

  #text(column: Column): string | null {
    const cell = this.#cell(column);
    if (isAbsent(cell)) return null;
    const text = textOf(cell);
    if (text === null) throw new Unreadable(`${this.#nameOf(column)} is not a text.`);
    return text;
  }

  #flag(column: Column): boolean | null {
    const cell = this.#cell(column);
    if (isAbsent(cell)) return null;
    const flag = flagOf(cell);
    if (flag === null) throw new Unreadable(`${this.#nameOf(column)} is neither true nor false.`);
    return flag;
  }

  #moment(column: Column): number | null {
    const cell = this.#cell(column);
    if (isNull(cell)) return null;
    const read = momentOf(cell, this.#mapping.dates);
    if ('problem' in read) throw new Unreadable(`${this.#nameOf(column)} ${read.problem}.`);
    return read.value;
  }

  /** Returns the value of a column. If several columns are mapped, two different values are refused as ambiguous. */
  #cell(column: Column): unknown {
    const cells = (this.#mapping.columns[column] ?? [])
      .map((name) => unwrapped(this.#fields.get(name)))
      .filter((cell) => !isAbsent(cell));
    if (new Set(cells.map((cell) => JSON.stringify(cell))).size > 1) {
      throw new Unreadable(`${this.#nameOf(column)} has two different values. Set columns.${column} to one column.`);
    }
    return cells[0] ?? null;
  }

  #nameOf(column: Column): string {
    return `The column ${JSON.stringify(this.#mapping.columns[column]?.join(' or '))}`;
  }
}
