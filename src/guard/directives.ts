/** Names in a schema that are Latchkey's; their definitions stand in schema.graphql. */
export const AUTH = 'auth';
export const PUBLIC = 'public';
