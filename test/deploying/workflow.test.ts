import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT } from '../support/project.js';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly jobs: {
    readonly test: {
      readonly container: string;
      readonly strategy: { readonly matrix: { readonly node: readonly number[] } };
      readonly services: Readonly<Record<string, { readonly image: string }>>;
      readonly steps: readonly Step[];
    };
  };
}

const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const { jobs } = parse(read('.github/workflows/ci.yml')) as Workflow;

test('the workflow runs .ci/run on each supported version of Node, beginning with the oldest', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  const oldest = Number(/\d+/.exec(engines.node)?.[0]);
  expect(jobs.test.strategy.matrix.node).toEqual([oldest, 22, 24, 26]);
  expect(jobs.test.container).toBe('node:${{ matrix.node }}-bookworm');
  expect(jobs.test.steps.flatMap(({ run }) => run ?? [])).toEqual(['.ci/run']);
});

test('the MongoDB engine of the workflow is a service, and .ci/run gets its address', () => {
  const [name = '', { image } = { image: '' }] = Object.entries(jobs.test.services)[0] ?? [];
  expect(image).toMatch(/^mongo:\d+$/);
  const step = jobs.test.steps.find(({ run }) => run === '.ci/run');
  expect(new URL(step?.env?.MONGODB_URI ?? '').hostname).toBe(name);
});

test('.ci/run uses a given engine for the suites of MongoDB only', () => {
  const script = read('.ci/run');
  expect(script.indexOf('given_mongo=${MONGODB_URI:-}')).toBeGreaterThan(0);
  expect(script.indexOf('unset MONGODB_URI')).toBeLessThan(script.indexOf('npm test'));
});

test('each form for issues is valid, and asks for something', () => {
  const forms = readdirSync(join(PROJECT, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml');
  expect(forms.length).toBeGreaterThan(1);
  for (const name of forms) {
    const form = parse(read(`.github/ISSUE_TEMPLATE/${name}`)) as Record<string, unknown> & { body: { id?: string }[] };
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const ids = form.body.flatMap(({ id }) => id ?? []);
    expect([ids.length > 1, new Set(ids).size === ids.length]).toEqual([true, true]);
  }
});
