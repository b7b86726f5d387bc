/** The names of Latchkey's directives. Their definitions are in schema.graphql. */
export const AUTH = 'auth';
export const PUBLIC = 'public';
