import { buildASTSchema, Kind, parse, print, visit, type DocumentNode } from 'graphql';
import { directiveTypeDefs, keyTypeDefs, apiTypeDefs } from '../../../src/management/schema/typeDefs.js';

function namesIn(document: DocumentNode): string[] {
  return document.definitions.flatMap((definition) => ('name' in definition ? [definition.name.value] : []));
}

function stripDescriptions(document: DocumentNode): DocumentNode {
  return visit(document, { StringValue: (_, key) => (key === 'description' ? null : undefined) });
}

test('the operations on keys do not include the built-in domain', () => {
  const names = namesIn(keyTypeDefs());
  expect(names).toContain('ApiKey');
  expect(names.filter((name) => /asset|alert|freshness|column|^event/i.test(name))).toEqual([]);
  // Values and descriptions name it in examples only.
  expect(print(stripDescriptions(apiTypeDefs()))).not.toMatch(/asset|alert|freshness/i);
  expect(names).not.toContain('Subscription');
});

test('they are self-contained: all types that they reference, and no others', () => {
  const schema = buildASTSchema(keyTypeDefs());
  expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toEqual([
    'viewer',
    'tiers',
    'limitOverrides',
    'limitsOf',
    'apiKey',
    'apiKeys',
    'findApiKeys',
    'workspace',
    'project',
    'projects',
    'user',
    'users',
    'auditLog',
    'auditHead',
    'usage',
    'usageExport',
    'explainAccess',
    'suggestScopes',
    'scopes',
  ]);
  expect(Object.keys(schema.getMutationType()?.getFields() ?? {})).toEqual([
    'createApiKey',
    'createApiKeys',
    'rotateApiKey',
    'expireApiKey',
    'revokeApiKey',
    'updateApiKey',
    'deriveToken',
    'createProject',
    'renameProject',
    'addUser',
    'updateUser',
    'removeUser',
    'createWorkspace',
    'setWorkspaceTier',
    'setLimits',
    'addCredits',
  ]);
  const names = namesIn(keyTypeDefs());
  expect(new Set(names).size).toBe(names.length);
});

test('the directives have the scalar Scope', () => {
  expect(namesIn(directiveTypeDefs())).toEqual(['auth', 'public', 'cost', 'listSize', 'Scope']);
  const own = parse('type Query { hello: String @auth(scope: "read:assets") }');
  expect(() =>
    buildASTSchema({ kind: Kind.DOCUMENT, definitions: [...directiveTypeDefs().definitions, ...own.definitions] }),
  ).not.toThrow();
});

test('each call returns a new document that the caller can change', () => {
  expect(apiTypeDefs()).not.toBe(apiTypeDefs());
  (keyTypeDefs().definitions as unknown[]).length = 0;
  expect(keyTypeDefs().definitions.length).toBeGreaterThan(20);
});

test('the required names, arguments and defaults', () => {
  const schema = buildASTSchema(apiTypeDefs());
  const input = (name: string): Record<string, string> => {
    const type = schema.getType(name);
    if (type === undefined || !('getFields' in type)) throw new Error(`${name} is missing.`);
    return Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, String(field.type)]));
  };
  expect(input('CreateApiKeyInput')).toMatchObject({
    name: 'String!',
    scopes: '[Scope!]!',
    type: 'ApiKeyType',
    environment: 'ApiKeyEnvironment',
    expiresAt: 'DateTime',
  });
  expect(input('RotateApiKeyInput')).toEqual({ id: 'ID!', overlap: 'Duration' });
  expect(input('ExpireApiKeyInput')).toEqual({ id: 'ID!', at: 'DateTime!' });
  expect(input('RevokeApiKeyInput')).toEqual({ id: 'ID!', reason: 'String' });
  expect(input('UpdateApiKeyInput')).toEqual({
    id: 'ID!',
    name: 'String',
    scopes: '[Scope!]',
    allowedAddresses: '[String!]',
    trustedDocuments: '[String!]',
  });
  expect(input('CreateWorkspaceInput')).toEqual({ name: 'String!', tier: 'Tier' });
  expect(input('SetWorkspaceTierInput')).toEqual({ workspaceId: 'ID!', tier: 'Tier!' });
  expect(print(apiTypeDefs())).toContain('overlap: Duration = "P1D"');
});
