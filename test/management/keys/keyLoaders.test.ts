import { jest } from '@jest/globals';
import { OperationTypeNode } from 'graphql';
import type { ActorContext } from '../../../src/core/keys/actor.js';
import { oncePerParent } from '../../../src/management/keys/keyLoaders.js';

const context = (): ActorContext => ({}) as ActorContext;
const of = (operation: OperationTypeNode) => ({ operation: { operation } }) as never;
const [QUERY, MUTATION] = [of(OperationTypeNode.QUERY), of(OperationTypeNode.MUTATION)];

describe('R2: oncePerParent', () => {
  it('resolves a field once per parent and query, whatever its value', () => {
    for (const given of [null, undefined, 'name', Promise.resolve('name')]) {
      const resolve = jest.fn(() => given);
      const field = oncePerParent(resolve);
      const [mine, entry] = [context(), {}];
      for (let i = 0; i < 110; i += 1) expect(field(entry, {}, mine, QUERY)).toBe(given);
      expect(resolve).toHaveBeenCalledTimes(1);
    }
  });

  it('resolves again for another parent, for another request, and in a mutation', () => {
    const resolve = jest.fn<(parent: object) => string>(() => 'name');
    const field = oncePerParent(resolve);
    const [mine, entry] = [context(), {}];
    field(entry, {}, mine, QUERY);
    field({}, {}, mine, QUERY);
    field(entry, {}, context(), QUERY);
    field(entry, {}, mine, MUTATION);
    field(entry, {}, mine, MUTATION);
    expect(resolve).toHaveBeenCalledTimes(5);
  });
});
