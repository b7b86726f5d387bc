import type { AuditEntry, AuditHead } from '../../../core/store/audit.js';
import type { Api } from '../../api.js';
import { operation } from '../../typedOperation.js';
import { asHashed, following } from './listedEntries.js';

const HEAD = operation<{ readonly auditHead: (AuditHead & { readonly archived: AuditHead | null }) | null }>(
  'query AuditHead { auditHead { seq hash archived { seq hash } } }',
);

/** The chain for `verifyAudit`, read over the API, with the head that the server stores separately. */
export function chainOf(api: Pick<Api, 'ask'>, progress: (done: number, of: number) => void) {
  let end = 0;
  return {
    head: async (): Promise<AuditHead | null> => {
      const { auditHead } = await api.ask(HEAD);
      end = auditHead?.seq ?? 0;
      return auditHead && { seq: auditHead.seq, hash: auditHead.hash };
    },
    base: async (): Promise<AuditHead | null> => (await api.ask(HEAD)).auditHead?.archived ?? null,
    /** Ends early at a gap, which is then the fault. */
    read: async (workspaceId: string, after: number, limit: number): Promise<AuditEntry[]> => {
      const read: AuditEntry[] = [];
      while (read.length < limit) {
        const { entries, until } = await following(api, after + read.length);
        read.push(...entries.map((entry) => asHashed(entry, workspaceId)));
        if (after + read.length < until) break;
        progress(after + read.length, end);
      }
      return read;
    },
  };
}
