import type { ChangeMade } from '../../src/cluster/messages.js';
import { RemoteChanges } from '../../src/cluster/remoteChanges.js';
import type { Change } from '../../src/keys/changes.js';

const KEY: Change = { kind: 'key', lookupId: 'lookup' };
const WORKSPACE: Change = { kind: 'workspace', workspaceId: 'ws' };

test('each change is on its way when publish returns, and who made it does not hear of it', () => {
  const sent: ChangeMade[] = [];
  const heard: Change[] = [];
  const changes = new RemoteChanges((message) => sent.push(message));
  changes.subscribe((change) => heard.push(change));
  changes.publish(KEY);
  changes.publish(WORKSPACE);
  expect(sent).toEqual([
    { kind: 'change', change: KEY },
    { kind: 'change', change: WORKSPACE },
  ]);
  expect(heard).toEqual([]);
});

test('what others changed comes to every listener', () => {
  const heard: Change[][] = [[], []];
  const changes = new RemoteChanges(() => undefined);
  for (const each of heard) changes.subscribe((change) => each.push(change));
  changes.receive({ kind: 'change', change: KEY });
  changes.receive({ kind: 'change', change: WORKSPACE });
  expect(heard).toEqual([
    [KEY, WORKSPACE],
    [KEY, WORKSPACE],
  ]);
});
