import { ANSWER_LIMITS, answerTooLarge, BYTES_PER_FIELD, type AnswerLimits } from '../guard/answer/limits.js';
import type { AssetColumns, Column } from '../store/records.js';
import type { AssetService } from './service.js';

/** Assets whose columns are read at once. */
export const COLUMNS_AT_ONCE = 10;

/**
 * Reads the columns of assets for one operation, a few assets at a time. One asset may have hundreds of kilobytes of columns, so
 * reading is bounded as the answer is: a column counts as one field, and a long one as more.
 */
export class ColumnReader {
  readonly #service: Pick<AssetService, 'columnsOf'>;
  readonly #limits: AnswerLimits;
  #left: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(service: Pick<AssetService, 'columnsOf'>, limits: AnswerLimits = ANSWER_LIMITS) {
    this.#service = service;
    this.#limits = limits;
    this.#left = limits.fields;
  }

  /** Rejects with Refusal ANSWER_TOO_LARGE once the operation has read too much. */
  read(projectId: string, names: readonly string[]): Promise<readonly AssetColumns[]> {
    const reading = this.#last.then(() => this.#read(projectId, names));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(projectId: string, names: readonly string[]): Promise<readonly AssetColumns[]> {
    this.#check();
    const found = await this.#service.columnsOf(projectId, names);
    for (const { columns, expectedColumns } of found) this.#left -= fieldsOf(columns) + fieldsOf(expectedColumns);
    this.#check();
    return found;
  }

  #check(): void {
    if (this.#left < 0) throw answerTooLarge(this.#limits, 'fields', false);
  }
}

function fieldsOf(columns: readonly Column[]): number {
  let fields = 0;
  for (const { name, type } of columns) fields += 1 + Math.floor((name.length + type.length) / BYTES_PER_FIELD);
  return fields;
}
