import type { Change } from '../../core/keys/changeFeed.js';
import type { Wire } from './redisFeed.js';

const CHANGE = /^(key|workspace) (.{1,200})$/;

/** A change as text: its kind and the ID. */
export const CHANGES: Wire<Change> = {
  channel: 'latchkey:changes',
  write: (change) => `${change.kind} ${change.kind === 'key' ? change.lookupId : change.workspaceId}`,
  read(text) {
    const [, kind, subject] = CHANGE.exec(text) ?? [];
    if (subject === undefined) return null;
    return kind === 'key' ? { kind, lookupId: subject } : { kind: 'workspace', workspaceId: subject };
  },
};
