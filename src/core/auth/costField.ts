/** The request header field that asks for the cost of an operation, in lower case. */
export const COST_FIELD = 'latchkey-cost';

const REPORT = 'report';

/** Returns whether a request asks for the cost of its operation. @param field the value of {@link COST_FIELD} */
export function asksForCost(field: string | readonly string[] | null | undefined): boolean {
  return typeof field === 'string' && field.trim().toLowerCase() === REPORT;
}
