import { refusalFault } from '../api/apiFault.js';
import { API } from '../place.js';

/** Whether a credential can be used for the dashboard. `fault` is for people. */
type Judgement = { readonly opens: true } | { readonly opens: false; readonly fault: string };

interface Answer {
  readonly data?: { readonly viewer: { readonly scopes: readonly string[] } | null } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

/** Checks a credential with the server, before it is stored. @param authorization the value of the header field */
export async function judge(authorization: string): Promise<Judgement> {
  let answer: Answer;
  try {
    const response = await fetch(API, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: '{"query":"{ viewer { scopes } }"}',
      credentials: 'omit',
    });
    answer = (await response.json()) as Answer;
  } catch (error) {
    return refused(
      error instanceof TypeError
        ? 'No response from the server. Check that it is running, then try again.'
        : 'Unexpected response from the server. Reload the page.',
    );
  }
  const [error] = answer.errors ?? [];
  if (error !== undefined) return refused(inWords(error.message, error.extensions ?? {}));
  const scopes = answer.data?.viewer?.scopes ?? [];
  if (scopes.includes('admin') || scopes.includes('platform')) return { opens: true };
  const held = scopes.length === 0 ? 'no scope' : scopes.join(', ');
  return refused(
    `The dashboard requires the scope admin. This key or account has ${held}. Sign in with one that has the scope admin.`,
  );
}

/** Returns the message of the server; after too many requests, with the time to wait. */
function inWords(message: string, extensions: Readonly<Record<string, unknown>>): string {
  const fault = refusalFault(message, extensions, Date.now());
  if (fault.kind !== 'limited' && fault.kind !== 'unavailable') return message;
  return `${message} Try again in ${fault.retryAfter} s.`;
}

function refused(fault: string): Judgement {
  return { opens: false, fault };
}
