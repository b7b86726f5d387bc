import type { Answer, TestService } from '../support/service.js';

/** Every field of a key except its limits, which depend on other requests. */
const KEY_FIELDS = `id name prefix type environment scopes status createdAt createdBy expiresAt revokedAt revokedReason
  lastUsedAt replaces { id } replacedBy { id }`;

const INPUTS = {
  createApiKey: ['CreateApiKeyInput', `token apiKey { ${KEY_FIELDS} }`],
  rotateApiKey: ['RotateApiKeyInput', `token apiKey { ${KEY_FIELDS} }`],
  expireApiKey: ['ExpireApiKeyInput', `apiKey { ${KEY_FIELDS} }`],
  revokeApiKey: ['RevokeApiKeyInput', `apiKey { ${KEY_FIELDS} }`],
  updateApiKey: ['UpdateApiKeyInput', `apiKey { ${KEY_FIELDS} }`],
  createProject: ['CreateProjectInput', 'project { id name }'],
  renameProject: ['RenameProjectInput', 'project { id name }'],
  addUser: ['AddUserInput', 'user { id name roles removedAt }'],
  updateUser: ['UpdateUserInput', 'user { id name roles removedAt }'],
  removeUser: ['RemoveUserInput', 'user { id name roles removedAt }'],
  createWorkspace: [
    'CreateWorkspaceInput',
    `token apiKey { ${KEY_FIELDS} } workspace { id name tier keys { current max } }`,
  ],
  setLimits: ['SetLimitsInput', 'override { type id workspaceId rate burst until reason active setBy }'],
  setWorkspaceTier: ['SetWorkspaceTierInput', 'workspace { id name tier keys { current max } }'],
  addCredits: ['AddCreditsInput', 'balance added'],
} as const;

/** Runs a mutation, with any outcome. */
export function attempt(
  service: TestService,
  mutation: keyof typeof INPUTS,
  input: object,
  token: string | null = service.adminToken,
): Promise<Answer> {
  const [type, fields] = INPUTS[mutation];
  return service.query(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${fields} } }`, {
    variables: { input },
    token,
  });
}

/** Runs a mutation that must succeed, and returns its payload. @throws if it was refused */
// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into payloads freely.
export async function act(...call: Parameters<typeof attempt>): Promise<any> {
  const answer = await attempt(...call);
  const payload = answer.body?.data?.[call[1]];
  if (payload == null) throw new Error(`${call[1]} was refused: ${answer.status} ${answer.text}`);
  return payload;
}

/** The key with this ID as its workspace's admin sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into payloads freely.
export async function look(service: TestService, id: string, token: string = service.adminToken): Promise<any> {
  const { body } = await service.query(`query ($id: ID!) { apiKey(id: $id) { ${KEY_FIELDS} } }`, {
    variables: { id },
    token,
  });
  return body.data.apiKey;
}

/** The status of the simplest request with a key. */
export async function statusWith(service: TestService, token: string): Promise<number> {
  return (await service.query('{ viewer { scopes } }', { token })).status;
}

/** The `extensions` of a response's only error. */
// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
export function refusalOf(answer: Answer): any {
  expect(answer.body.errors).toHaveLength(1);
  return answer.body.errors[0].extensions;
}
