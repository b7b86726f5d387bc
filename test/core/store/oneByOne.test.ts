import { EventEmitter, once } from 'node:events';
import { OneByOne } from '../../../src/core/store/mongo/oneByOne.js';

/** A task that the test ends. */
function held(log: string[], name: string) {
  const gate = new EventEmitter();
  const ended = once(gate, 'end').then(() => name);
  const task = (): Promise<string> => (log.push(name), ended);
  return { task, end: () => gate.emit('end'), fail: () => gate.emit('error', new Error(name)) };
}

const turn = () => new Promise(setImmediate);

test('the tasks of a workspace run one after another, in the order of the calls', async () => {
  const [log, line] = [[] as string[], new OneByOne()];
  const [a, b, c] = [held(log, 'a'), held(log, 'b'), held(log, 'c')];
  const results = [a, b, c].map(({ task }) => line.run('ws', task));
  await turn();
  expect(log).toEqual(['a']);
  a.end();
  await turn();
  expect(log).toEqual(['a', 'b']);
  b.end();
  c.end();
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
});

test('a task that fails does not stop the next one', async () => {
  const [log, line] = [[] as string[], new OneByOne()];
  const [a, b] = [held(log, 'a'), held(log, 'b')];
  const [first, second] = [line.run('ws', a.task), line.run('ws', b.task)];
  a.fail();
  b.end();
  await expect(first).rejects.toThrow('a');
  expect(await second).toBe('b');
  // Nothing is left to wait for.
  const next = held(log, 'next');
  const third = line.run('ws', next.task);
  expect(log).toEqual(['a', 'b', 'next']);
  next.end();
  await third;
});

test('workspaces do not wait for each other', () => {
  const [log, line] = [[] as string[], new OneByOne()];
  for (const ws of ['one', 'other']) void line.run(ws, held(log, ws).task);
  expect(log).toEqual(['one', 'other']);
});
