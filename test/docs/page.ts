import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, gqlOf, sessionOf } from '../support/session.js';

/** The setup of a page, and the checks at its end. */
interface Around {
  /** Settings of the service, as in the environment. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the text of the page, such as a size, before it runs. Default: none. */
  readonly edit?: (text: string) => string;
  /** Allowed output on standard error. Default: none. */
  readonly told?: RegExp;
  /** Runs in the page's own directory. Its results are variables of the page's shell, and passed to `after`. */
  readonly before?: (latchkey: TestService, directory: string) => Promise<Readonly<Record<string, string>>>;
  readonly after?: (
    latchkey: TestService,
    prepared: Readonly<Record<string, string>>,
    directory: string,
  ) => Promise<void>;
}

/** Runs a page that builds on the first session: all commands in one shell, and compares their output with the page. */
export async function expectPage(
  path: string,
  { env = {}, before, after, told, edit = (text) => text }: Around = {},
): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-page-'));
  const latchkey = await startService({ env });
  try {
    const prepared = (await before?.(latchkey, cwd)) ?? {};
    const session = sessionOf(edit(documentOf(path)).replaceAll('http://127.0.0.1:4000', latchkey.origin));
    expect(session.length).toBeGreaterThan(1);
    await expectSession(session, {
      cwd,
      ...(told !== undefined && { stderr: told }),
      env: { ADMIN: latchkey.adminToken, ...prepared },
      prelude: gqlOf(latchkey.origin),
    });
    await after?.(latchkey, prepared, cwd);
  } finally {
    await latchkey.close();
    rmSync(cwd, { recursive: true, force: true });
  }
}
