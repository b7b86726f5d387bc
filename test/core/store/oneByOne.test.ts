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

test('the tasks of a key run one after another, in the order of the calls', async () => {
  const [log, line] = [[] as string[], new OneByOne()];
  const [a, b, c] = [held(log, 'a'), held(log, 'b'), held(log, 'c')];
  const results = [a, b, c].map(({ task }) => line.run('key', task));
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
  const [first, second] = [line.run('key', a.task), line.run('key', b.task)];
  a.fail();
  b.end();
  await expect(first).rejects.toThrow('a');
  expect(await second).toBe('b');
  // Nothing is left to wait for.
  const next = held(log, 'next');
  const third = line.run('key', next.task);
  expect(log).toEqual(['a', 'b', 'next']);
  next.end();
  await third;
});

test('a task that has waited for the longest time runs beside the one before', async () => {
  const [log, line] = [[] as string[], new OneByOne(20)];
  const [a, b] = [held(log, 'a'), held(log, 'b')];
  const [first, second] = [line.run('key', a.task), line.run('key', b.task)];
  b.end();
  expect(await second).toBe('b');
  // The task before still runs.
  expect(log).toEqual(['a', 'b']);
  a.end();
  await first;
});

test('keys do not wait for each other', () => {
  const [log, line] = [[] as string[], new OneByOne()];
  for (const key of ['one', 'other']) void line.run(key, held(log, key).task);
  expect(log).toEqual(['one', 'other']);
});
