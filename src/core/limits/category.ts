/** The category of an operation. A tier can have separate limits for each: see `core/guard/operationCategory.ts`. */
export type Category = 'read' | 'write' | 'admin';

export const CATEGORIES: readonly Category[] = Object.freeze(['read', 'write', 'admin']);
