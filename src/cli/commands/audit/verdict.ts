import type { AuditVerdict } from '../../../management/audit/verifyAudit.js';
import type { ArchiveFault } from './archives.js';

/** Returns the verdict as a sentence. @param from the entry that --from named; null if the whole log was read */
export function sentenceOf(verdict: AuditVerdict | ArchiveFault, from: number | null = null): string {
  if ('archive' in verdict) return `The archive is broken: ${verdict.message}`;
  switch (verdict.outcome) {
    case 'whole': {
      const head = `Head: ${verdict.entries}:${verdict.head}`;
      if (from !== null) return `The log is intact after entry ${from}: ${verdict.entries - from} entries. ${head}`;
      return `The log is intact: ${verdict.entries} entries${inArchives(verdict)}. ${head}`;
    }
    case 'missing':
      return `The log is broken: entry ${verdict.seq} is missing.`;
    case 'headless':
      return `The log may be cut off: it has ${verdict.entries} entries, and the head that the server keeps is missing.`;
    case 'altered':
      return `The log is broken: entry ${verdict.seq} is not what was written.`;
  }
}

function inArchives({ archived }: { readonly archived?: number }): string {
  return archived === undefined ? '' : `, ${archived} of them archived`;
}
