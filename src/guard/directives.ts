/** The directives' definition, for a schema of one's own. */
export const DIRECTIVES = /* GraphQL */ `
  """
  Guards a type or a field: the caller's key must hold all scopes of one of the lists. Without \`scope\` any valid key
  will do. Root type, parent type, field and return type all hold, and where the directive is repeated, each does.
  """
  directive @auth(scope: [[Scope!]!]) repeatable on OBJECT | FIELD_DEFINITION

  """
  Opens a root field to callers without a key.
  """
  directive @public on FIELD_DEFINITION

  """
  What a key may do: \`action:resource\` (\`read:assets\`; \`read:all\` covers every resource), \`admin\` (everything in the
  workspace) or \`platform\` (workspaces and tiers, and admin everywhere).
  """
  scalar Scope
`;

export const AUTH = 'auth';
export const PUBLIC = 'public';
export const SCOPE_TYPE = 'Scope';
