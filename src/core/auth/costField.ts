/** The request header field that requests the cost of an operation, in lower case. */
export const COST_FIELD = 'latchkey-cost';

const REPORT = 'report';

/** Returns whether the response must have the cost of the operation. @param field the value of {@link COST_FIELD} */
export function asksForCost(field: string | readonly string[] | null | undefined): boolean {
  return typeof field === 'string' && field.trim().toLowerCase() === REPORT;
}
