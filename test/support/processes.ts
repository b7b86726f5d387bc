import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from './child.js';
import { answerOf, OPERATOR_KEY, type Answer } from './service.js';

/** A process of the service, started like `npm start`. */
export interface Process {
  readonly origin: string;
  readonly child: Child;
  readonly query: (query: string, token?: string) => Promise<Answer>;
  /** The response of /readyz. */
  readonly ready: () => Promise<unknown>;
}

export interface Processes {
  readonly all: readonly Process[];
  /** Creates a key in the default workspace and returns its token and ID. */
  createKey(scopes: string): Promise<{ readonly token: string; readonly id: string }>;
  /** Uses the operator's key. Default: the first process. @throws Error if it was refused */
  change(mutation: string, process?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts several processes on one SQLite directory, with an operator's key. */
export async function startProcesses(count: number, env: Readonly<Record<string, string>>): Promise<Processes> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-processes-'));
  const settings = {
    PORT: '0',
    DATA_DIR: dir,
    BCRYPT_COST: '4',
    LOG_LEVEL: 'silent',
    ADMIN_API_KEY: OPERATOR_KEY,
    ...env,
  };
  const all: Process[] = [];
  // The first process creates the file, the pepper and the workspace.
  for (let i = 0; i < count; i += 1) {
    const child = runFile(MAIN, settings);
    const [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
    all.push({
      child,
      origin,
      query: async (query, token = OPERATOR_KEY) =>
        answerOf(
          await fetch(`${origin}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
            body: JSON.stringify({ query }),
          }),
        ),
      ready: async () => (await fetch(`${origin}/readyz`)).json(),
    });
  }
  const asked = async (query: string, process = 0): Promise<Answer['body']> => {
    const { body } = (await all[process]?.query(query)) ?? {};
    if (body?.data == null) throw new Error(`It was refused: ${JSON.stringify(body)}`);
    return body.data;
  };
  return {
    all,
    async createKey(scopes) {
      const { createApiKey: created } = await asked(
        `mutation { createApiKey(input: { name: "k", scopes: ["${scopes}"] }) { token apiKey { id } } }`,
      );
      return { token: created.token, id: created.apiKey.id };
    },
    async change(mutation, process) {
      await asked(`mutation { ${mutation} { __typename } }`, process);
    },
    async stop() {
      await Promise.all(all.map(({ child }) => child.stop('SIGKILL')));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
