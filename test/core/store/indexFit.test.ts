import { faultOf, type Index, type Shape } from './indexFit.js';

const INDEXES: readonly Index[] = [
  { name: '_id_', key: { _id: 1 }, unique: true },
  { name: 'age', key: { workspaceId: 1, at: -1, _id: -1 } },
  { name: 'family', key: { workspaceId: 1, family: 1 } },
  { name: 'slots', key: { workspaceId: 1, slot: 1 }, partialFilterExpression: { slot: { $gte: 0 } } },
  { name: 'entries', key: { 'entry._id': 1 }, partialFilterExpression: { 'entry._id': { $exists: true } } },
];
const WS = { workspaceId: { $eq: 'ws' } };

test.each<[string, Shape]>([
  ['an equality', { filter: { _id: { $eq: 1 } }, sort: {} }],
  ['an equality and an order', { filter: WS, sort: { at: -1, _id: -1 } }],
  ['the order turned round', { filter: WS, sort: { at: 1, _id: 1 } }],
  ['a range in the order', { filter: { $and: [WS, { at: { $lt: 3 } }] }, sort: { at: -1, _id: -1 } }],
  [
    'a place in the order',
    { filter: { ...WS, at: { $lte: 3 }, $or: [{ at: { $lt: 3 } }, { _id: { $lt: 1 } }] }, sort: { at: -1, _id: -1 } },
  ],
  ['an index of some documents', { filter: { ...WS, slot: { $gte: 0 } }, sort: {} }],
  ['each branch of an $or', { filter: { $or: [{ _id: { $eq: 1 } }, { 'entry._id': { $exists: true } }] }, sort: {} }],
  ['an $or within an $and', { filter: { $and: [{ $or: [{ _id: { $eq: 1 } }] }, { at: { $eq: 1 } }] }, sort: {} }],
  ['the first documents in an order', { filter: {}, sort: { _id: 1 }, limit: 10 }],
  ['another field of few documents', { filter: { ...WS, family: { $eq: 'f' }, revokedAt: { $eq: null } }, sort: {} }],
])('X5: %s uses an index', (_, shape) => {
  expect(faultOf(shape, INDEXES)).toBeNull();
});

test.each<[string, Shape, ReturnType<typeof faultOf>]>([
  ['all documents', { filter: {}, sort: {} }, 'scan'],
  ['all documents in an order', { filter: {}, sort: { _id: 1 } }, 'scan'],
  ['a field without an index', { filter: { name: { $eq: 1 } }, sort: {} }, 'scan'],
  ['a field in the middle of an index', { filter: { at: { $eq: 1 } }, sort: {} }, 'scan'],
  ['a branch without an index', { filter: { $or: [{ _id: { $eq: 1 } }, { name: { $eq: 1 } }] }, sort: {} }, 'scan'],
  ['documents that an index of some leaves out', { filter: { 'entry._id': { $eq: null } }, sort: {} }, 'scan'],
  ['an index that is not there', { filter: { _id: { $eq: 1 } }, sort: {}, hint: 'other' }, 'scan'],
  ['another order', { filter: WS, sort: { name: 1 } }, 'sort'],
  ['an order of two directions', { filter: WS, sort: { at: -1, _id: 1 } }, 'sort'],
  ['a range before the order', { filter: { workspaceId: { $gt: 1 } }, sort: { at: -1 } }, 'sort'],
  [
    'a field that no index of the tenant has',
    { filter: { ...WS, name: { $eq: 1 } }, sort: {} },
    { looksThrough: ['name'] },
  ],
  ['an expression', { filter: { ...WS, $expr: {} }, sort: { at: -1, _id: -1 } }, { looksThrough: ['$expr'] }],
  [
    'a hint that leaves a field out',
    { filter: { ...WS, family: { $eq: 'f' } }, sort: {}, hint: 'age' },
    { looksThrough: ['family'] },
  ],
])('X5: %s uses no index', (_, shape, fault) => {
  expect(faultOf(shape, INDEXES)).toEqual(fault);
});
