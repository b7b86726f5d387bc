import type { AuditEntry, Detail } from '../store/audit.js';

const ID = /^(?:key|usr|prj)_[0-9A-Za-z]{1,32}$/;

/** The maximum number of IDs that are looked up for an entry. Entries that Latchkey writes mention at most three. */
const MOST = 20;

/** Returns the distinct IDs of the keys, users and projects that an audit entry mentions, except its subject. */
export function mentionedIn({ before, after, projectId, subject }: AuditEntry): readonly string[] {
  const ids = new Set<string>();
  const add = (value: Detail): void => {
    if (ids.size >= MOST) return;
    if (typeof value === 'string') {
      if (ID.test(value)) ids.add(value);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(add);
  };
  [projectId, before, after].forEach(add);
  ids.delete(subject);
  return [...ids];
}
