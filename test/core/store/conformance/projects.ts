import { Duplicate } from '../../../../src/core/store/storeErrors.js';
import type { Bench } from './bench.js';
import { aProject, givenKey, givenWorkspace, listed, namesOf, NOW, summaryOf } from '../fixtures.js';

export function testProjects({ store }: Bench): void {
  describe('projects', () => {
    test('are returned as they were created, can be renamed, and are listed by age', async () => {
      const ws = await givenWorkspace(store());
      const projects = [2, 0, 1].map((i) => aProject(ws, { name: `p${i}`, createdAt: NOW + i }));
      for (const project of projects) await store().projects.create(project);
      await store().projects.create(aProject(await givenWorkspace(store()), { name: 'p0' }));
      const [first] = projects;
      expect(await store().projects.find(first?.id ?? '')).toEqual(first);
      expect(await store().projects.find('prj_none')).toBeNull();
      const page = async (n: number, after: number | null) => {
        const row = projects.find(({ name }) => name === `p${after}`);
        return namesOf(await store().projects.list(ws, { first: n, after: row ?? null }));
      };
      expect(await page(9, null)).toEqual(['p0', 'p1', 'p2']);
      expect(await page(1, 0)).toEqual(['p1']);
      expect(await page(9, 2)).toEqual([]);
      const renamed = { ...first, name: 'new' };
      expect(await store().projects.rename(first?.id ?? '', ws, 'new', { at: NOW })).toEqual(renamed);
      expect(await store().projects.find(first?.id ?? '')).toEqual(renamed);
      expect(await store().projects.rename(first?.id ?? '', 'ws_other', 'x', { at: NOW })).toBeNull();
      expect(await store().projects.rename('prj_none', ws, 'x', { at: NOW })).toBeNull();
    });

    test('are found by several IDs in one call', async () => {
      const ws = await givenWorkspace(store());
      const projects = [0, 1].map((i) => aProject(ws, { name: `p${i}` }));
      for (const project of projects) await store().projects.create(project);
      const ids = [...projects.map(({ id }) => id), 'prj_none'];
      expect(namesOf(await store().projects.findMany(ids)).sort()).toEqual(['p0', 'p1']);
      expect(await store().projects.findMany([])).toEqual([]);
    });

    test('have unique names and IDs', async () => {
      const ws = await givenWorkspace(store());
      const one = aProject(ws);
      const other = aProject(ws);
      await store().projects.create(one);
      await store().projects.create(other);
      const taken = async (attempt: Promise<unknown>) => {
        const error: unknown = await attempt.catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Duplicate);
        return (error as Duplicate).what;
      };
      expect(await taken(store().projects.create(aProject(ws, { name: one.name })))).toBe('project.name');
      expect(await taken(store().projects.create(aProject(ws, { id: one.id })))).toBe('project.id');
      expect(await taken(store().projects.rename(other.id, ws, one.name, { at: NOW }))).toBe('project.name');
      expect(await store().audit.list(ws, { first: 9, before: null, filter: {} })).toHaveLength(3);
    });

    test('keys can be bound to them', async () => {
      const ws = await givenWorkspace(store());
      const project = aProject(ws);
      await store().projects.create(project);
      const bound = await givenKey(store(), ws, {
        projectId: project.id,
        allowedAddresses: ['192.0.2.0/24', '2001:db8::1'],
      });
      const trusting = await givenKey(store(), ws, { trustedDocuments: ['a'.repeat(64)], createdAt: NOW + 1 });
      expect(await store().keys.find(bound.id, ws)).toEqual(bound);
      expect(await store().keys.find(trusting.id, ws)).toEqual(trusting);
      expect(await listed(store(), ws, { projectId: project.id })).toEqual([summaryOf(bound)]);
      const change = { allowedAddresses: [], trustedDocuments: ['b'.repeat(64)] };
      await store().keys.update(bound.id, ws, change, { at: NOW });
      expect(await store().keys.find(bound.id, ws)).toEqual({ ...bound, ...change });
      await store().keys.update(bound.id, ws, { allowedAddresses: ['192.0.2.1'], trustedDocuments: null }, { at: NOW });
      expect(await store().keys.find(bound.id, ws)).toMatchObject({
        allowedAddresses: ['192.0.2.1'],
        trustedDocuments: null,
      });
    });
  });
}
