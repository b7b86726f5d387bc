import { RemoteFeed } from '../../../src/server/cluster/remoteFeed.js';
import type { Change } from '../../../src/core/keys/changeFeed.js';

const KEY: Change = { kind: 'key', lookupId: 'lookup' };
const WORKSPACE: Change = { kind: 'workspace', workspaceId: 'ws' };

test('each message is sent when publish returns, and its sender does not receive it', () => {
  const sent: Change[] = [];
  const heard: Change[] = [];
  const feed = new RemoteFeed<Change>((message) => sent.push(message));
  feed.subscribe((message) => heard.push(message));
  feed.publish(KEY);
  feed.publish(WORKSPACE);
  expect(sent).toEqual([KEY, WORKSPACE]);
  expect(heard).toEqual([]);
});

test('each listener receives the messages of other processes', () => {
  const heard: Change[][] = [[], []];
  const feed = new RemoteFeed<Change>(() => undefined);
  for (const each of heard) feed.subscribe((message) => each.push(message));
  feed.receive(KEY);
  feed.receive(WORKSPACE);
  expect(heard).toEqual([
    [KEY, WORKSPACE],
    [KEY, WORKSPACE],
  ]);
});
