/** What an operation does, by which a tier may limit it besides: see `guard/category.ts`. */
export type Category = 'read' | 'write' | 'admin';

export const CATEGORIES: readonly Category[] = Object.freeze(['read', 'write', 'admin']);
