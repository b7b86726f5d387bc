import { ConfigMap, Service } from 'kubernetes-models/v1';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { readSettings } from '../../src/server/settings/settings.js';
import { projectFile, SECRETS, SETTINGS } from './files.js';

/* oxlint-disable typescript/no-explicit-any -- what is not there fails the test */
const documents: any[] = parseAllDocuments(projectFile('examples/kubernetes/latchkey.yaml')).map((document) =>
  document.toJS(),
);
const of = (kind: string): any => documents.find((document) => document.kind === kind);

/** Kubernetes' own schemas of the used kinds. */
const MODELS = { ConfigMap, Deployment, NetworkPolicy, PodDisruptionBudget, Service } as const;

const deployment = of('Deployment');
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

test.each(Object.entries(MODELS))('the %s is valid for the schema', (kind, Model) => {
  const model = new Model(of(kind));
  expect(() => model.validate()).not.toThrow();
  // The validation reports errors in another object.
  const wrong = new Model({ ...of(kind), metadata: { name: 1 } });
  expect(() => wrong.validate()).toThrow();
});

test('contains no other objects', () => {
  expect(documents.map(({ kind }) => kind).sort()).toEqual(Object.keys(MODELS).sort());
});

test('its variables are settings; secrets are references, not values', () => {
  const env: { name: string; value?: string; valueFrom?: unknown }[] = container.env;
  expect(SETTINGS).toEqual(expect.arrayContaining(env.map(({ name }) => name)));
  for (const { name, value, valueFrom } of env) {
    if (SECRETS.includes(name))
      expect({ value, valueFrom }).toEqual({
        valueFrom: {
          secretKeyRef: {
            name: 'latchkey',
            key: name,
            ...(/^(AUDIT_HEADS|GATEWAY)_/.test(name) && { optional: true }),
          },
        },
      });
    else expect(value).toBeDefined();
  }
  expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining([...SECRETS]));
});

test('its settings and its latchkey.yaml are valid', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-kubernetes-'));
  try {
    const file = join(directory, 'latchkey.yaml');
    writeFileSync(file, of('ConfigMap').data['latchkey.yaml']);
    const written = container.env.flatMap(({ name, value }: any) => (value === undefined ? [] : [[name, value]]));
    const settings = readSettings({ ...Object.fromEntries(written), LATCHKEY_CONFIG: file, NODE_ENV: 'production' });
    expect(settings).toMatchObject({ requireHttps: true, trustProxy: ['10.0.0.0/8'], metrics: { port: 9464 } });
    expect(settings.configuration.tiers.GROWTH?.rate).toBe(500);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('meets the restricted profile of the Pod Security Standards', () => {
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC).toBeUndefined();
  expect(pod.automountServiceAccountToken).toBe(false);
});

test('every selector matches: pods by labels, ports by names', () => {
  const { labels } = deployment.spec.template.metadata;
  const selectors = [
    deployment.spec.selector.matchLabels,
    of('Service').spec.selector,
    of('PodDisruptionBudget').spec.selector.matchLabels,
    of('NetworkPolicy').spec.podSelector.matchLabels,
  ];
  for (const selector of selectors) expect(labels).toMatchObject(selector);
  const names = container.ports.map(({ name }: any) => name);
  const named = [
    ...of('Service').spec.ports.map(({ targetPort }: any) => targetPort),
    ...of('NetworkPolicy').spec.ingress.flatMap(({ ports }: any) => ports.map(({ port }: any) => port)),
    ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet.port),
  ];
  expect(names).toEqual(expect.arrayContaining(named));
  expect(of('PodDisruptionBudget').spec.minAvailable).toBeLessThan(deployment.spec.replicas);
});

test('probes use the health endpoints, and a pod has more time to end than running requests need', () => {
  expect(container.livenessProbe.httpGet.path).toBe('/healthz');
  expect(container.readinessProbe.httpGet.path).toBe('/readyz');
  const [, seconds] = container.lifecycle.preStop.exec.command;
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds) + 10);
});
