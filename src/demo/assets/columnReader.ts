import {
  ANSWER_LIMITS,
  answerTooLarge,
  BYTES_PER_FIELD,
  type AnswerLimits,
} from '../../core/guard/answer/answerLimits.js';
import type { AssetColumnList, AssetTexts, Column, ColumnKind } from '../store/demoRecords.js';
import type { AssetService } from './service.js';

/** The number of assets whose columns are read together. */
export const COLUMNS_AT_ONCE = 5;

/** The number of assets whose texts are read together. */
export const TEXTS_AT_ONCE = 100;

/**
 * Reads the columns and texts of assets for one operation, a few assets at a time. One asset may have hundreds of kilobytes of
 * columns, so reading has the same limit as the response: a column counts as an entry with one field, a name as one field, and a long name
 * as more.
 */
export class ColumnReader {
  readonly #service: Pick<AssetService, 'columnsOf' | 'textsOf'>;
  readonly #limits: AnswerLimits;
  #left: number;
  #last: Promise<unknown> = Promise.resolve();
  #isMutation = false;

  constructor(service: Pick<AssetService, 'columnsOf' | 'textsOf'>, limits: AnswerLimits = ANSWER_LIMITS) {
    this.#service = service;
    this.#limits = limits;
    this.#left = limits.fields;
  }

  /** Makes later refusals warn that changes may have been made. */
  noteChange(): void {
    this.#isMutation = true;
  }

  /** Rejects with Refusal ANSWER_TOO_LARGE once the operation has read too much. */
  columns(projectId: string, names: readonly string[], kind: ColumnKind): Promise<readonly AssetColumnList[]> {
    return this.#inTurn(
      () => this.#service.columnsOf(projectId, names, kind),
      // In the response each column also has a field.
      ({ list }) => list.length + fieldsOf(list),
    );
  }

  /** Rejects with Refusal ANSWER_TOO_LARGE once the operation has read too much. */
  texts(projectId: string, names: readonly string[]): Promise<readonly AssetTexts[]> {
    return this.#inTurn(
      () => this.#service.textsOf(projectId, names),
      ({ description, upstream }) =>
        1 + longer(description?.length ?? 0) + sum(upstream, ({ length }) => 1 + longer(length)),
    );
  }

  #inTurn<Row>(read: () => Promise<readonly Row[]>, fields: (row: Row) => number): Promise<readonly Row[]> {
    const reading = this.#last.then(async () => {
      this.#check();
      const found = await read();
      this.#left -= sum(found, fields);
      this.#check();
      return found;
    });
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  #check(): void {
    if (this.#left < 0) throw answerTooLarge(this.#limits, 'fields', this.#isMutation);
  }
}

/** Returns the number of fields that columns count as: one for each column, and one more for each 256 characters. */
export function fieldsOf(columns: readonly Column[]): number {
  return sum(columns, ({ name, type }) => 1 + longer(name.length + type.length));
}

function longer(length: number): number {
  return Math.floor(length / BYTES_PER_FIELD);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
