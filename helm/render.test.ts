import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { KubeObject } from '../crds/index.ts';
import { combinations } from './combinations.testing.ts';
import { chart, helm, render, toYaml, type UserValues } from './helm.testing.ts';

type Manifest = KubeObject & { data?: Record<string, string>; spec?: unknown };

/** What a person compares: without what is random, made from other sources, or a sum of the rest. */
function comparable(object: Manifest): unknown {
  const { kind, data, spec, ...rest } = object;
  if (kind === 'CustomResourceDefinition' || kind === 'PrometheusRule') return { kind, ...rest };
  if (kind === 'Secret')
    return { kind, ...rest, data: Object.fromEntries(Object.keys(data ?? {}).map((key) => [key, 'random'])) };
  if (object.metadata.labels?.['grafana_dashboard'] !== undefined)
    return { kind, ...rest, files: Object.keys(data ?? {}) };
  if (kind === 'ConfigMap' && data?.['operator.yaml'] !== undefined)
    return { kind, ...rest, data: { 'operator.yaml': parse(data['operator.yaml']) } };
  return object;
}

/** As text, with a word for the sum in the name of the operator's configuration. */
function textOf(object: Manifest): string {
  return withoutSum(stringify(comparable(object)));
}

const withoutSum = (text: string): string => text.replaceAll(/-operator-[0-9a-f]{8}\b/g, '-operator-sum');

/** Object by kind and name → as text. */
async function rendered(name: string): Promise<Map<string, string>> {
  const objects = await render(combinations[name] ?? {});
  return new Map(objects.map((object) => [withoutSum(`${object.kind}/${object.metadata.name}`), textOf(object)]));
}

describe('what is rendered', () => {
  let minimal: Map<string, string>;
  beforeAll(async () => {
    minimal = await rendered('minimal');
  });

  it.each(Object.keys(combinations))(
    '%s: lint finds nothing, and the objects are those of the snapshot',
    async (name) => {
      await helm(['lint', '--strict', '--quiet', chart, '--values', '-'], toYaml(combinations[name] ?? {}));
      const objects = await rendered(name);
      const others = name === 'minimal' ? new Map<string, string>() : minimal;
      const changed = [...objects].filter(([key, text]) => others.get(key) !== text).map(([, text]) => text);
      const gone = [...others.keys()].filter((key) => !objects.has(key)).map((key) => `# not there: ${key}\n`);
      await expect([...gone, ...changed].join('---\n')).toMatchFileSnapshot(join('snapshots', `${name}.yaml`));
    },
  );

  it('is the same for each value as its default says', async () => {
    const defaults = parse(await helm(['show', 'values', chart])) as { redis: object };
    const objects = await render({ ...defaults, redis: { ...defaults.redis, url: 'redis://redis:6379' } });
    expect(objects.map(textOf)).toEqual([...minimal.values()]);
  });

  it('keeps the definitions on uninstall, unless told otherwise', async () => {
    const policies = async (keep: boolean) => {
      const objects = await render({ redis: { url: 'redis://redis' }, crds: { keep } }, { only: ['crds.yaml'] });
      return objects.map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy']);
    };
    expect(await policies(true)).toEqual(['keep', 'keep', 'keep']);
    expect(await policies(false)).toEqual([undefined, undefined, undefined]);
  });
});

describe('what is said after an installation', () => {
  // helm prints the notes of an installation only; without a cluster it can pretend one.
  const notes = async (values: UserValues, ...more: string[]) => {
    const args = ['install', 'ticker', chart, '--namespace', 'ticks', '--dry-run=client', '--output', 'json'];
    const text = await helm([...args, '--values', '-', ...more], toYaml(values));
    return (JSON.parse(text) as { info: { notes: string } }).info.notes;
  };

  it('is the next command for what was chosen', async () => {
    const plain = await notes(combinations['minimal'] ?? {});
    expect(plain).toContain('kubectl -n ticks rollout status deployment/ticker-operator');
    expect(plain).toContain('helm test ticker -n ticks --logs');
    expect(plain).toContain('port-forward service/ticker-gateway 8080:80');
    expect(plain).toContain('gateway.tokens.secretName');
    expect(await notes(combinations['trial'] ?? {})).toContain(
      'It is for trials: one pod, no\nlogin, and what it holds goes',
    );
    expect(await notes(combinations['outside'] ?? {})).toContain('tail equities --gateway wss://ticks.example.com');
    expect(await notes(combinations['bare'] ?? {})).toContain('kubectl get crd tickeraccounts.ticker-operator.io');
    expect(await notes(combinations['redis-tls'] ?? {})).not.toContain('port-forward');
  });
});
