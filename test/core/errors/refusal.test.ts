import { GraphQLError } from 'graphql';
import { badInput, notFound, Refusal, unavailable } from '../../../src/core/errors/refusal.js';

describe('Refusal', () => {
  it('is an error that any GraphQL server returns with its code and fields', () => {
    const refusal = new Refusal('No.', { code: 'COST_EXCEEDS_BURST', cost: 30, burst: 25 });
    expect(refusal).toBeInstanceOf(GraphQLError);
    expect(refusal.details).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 30, burst: 25 });
    expect(JSON.parse(JSON.stringify(refusal))).toEqual({
      message: 'No.',
      extensions: { code: 'COST_EXCEEDS_BURST', cost: 30, burst: 25 },
    });
  });

  it('keeps its cause for the log, and does not return it', () => {
    const cause = new Error('mongodb://user:secret@host');
    const refusal = unavailable('Try again shortly.', 1, cause);
    expect(refusal.cause).toBe(cause);
    expect(JSON.stringify(refusal)).not.toContain('secret');
    expect(unavailable('Try again shortly.', 1)).not.toHaveProperty('cause');
  });

  it('bad input has the path and the accepted values', () => {
    expect(badInput(['input', 'scopes', 0], 'No scope.').details).toEqual({
      code: 'BAD_USER_INPUT',
      path: ['input', 'scopes', 0],
    });
    expect(badInput(['first'], 'Too many.', { known: ['1'] }).details).toMatchObject({ known: ['1'] });
  });

  it('unknown records and records of another workspace have the same message', () => {
    expect(notFound('key').toJSON()).toEqual({
      message: 'There is no such key in this workspace. Check the ID.',
      extensions: { code: 'NOT_FOUND' },
    });
  });
});
