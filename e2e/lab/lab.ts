import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, run } from './command.ts';
import { apply, kubectl } from './kubectl.ts';
import { pods } from './objects.ts';

/** Namespace of the release, of Redis, the broker and the reader. */
export const system = 'ticker-system';
/** Namespace of the user's accounts and sets. */
export const desk = 'desk';
export const release = 'ticker';
/** Ticks a second of each instrument. */
export const rate = 50;

export const operatorPods = 'app.kubernetes.io/component=operator';
export const shardPods = 'app.kubernetes.io/component=shard';
export const gatewayPods = 'app.kubernetes.io/component=gateway';

const root = join(import.meta.dirname, '..', '..');
/** Text of a file of `fixtures/`. */
export const fixture = (name: string): Promise<string> => readFile(join(root, 'e2e', 'fixtures', name), 'utf8');
export const samples = join(root, 'samples');
export const chart = join(root, 'helm', 'ticker-operator');

/** Images of what is installed: the project's own, and Redis. */
export interface Images {
  readonly product: string;
  readonly redis: string;
}

/** What `e2e/run` built, or was told to use. */
export function imagesFromEnvironment(): Images {
  const product = process.env['E2E_IMAGE'];
  if (product === undefined) throw new Error('E2E_IMAGE is missing: start this by `make e2e`');
  return { product, redis: process.env['E2E_REDIS_IMAGE'] ?? 'docker.io/library/redis:7-bookworm' };
}

/** Values of the chart, as these tests install it. */
export function chartValues({ product }: Images): string[] {
  const colon = product.lastIndexOf(':');
  return [
    `image.repository=${product.slice(0, colon)}`,
    `image.tag=${product.slice(colon + 1)}`,
    'redis.url=redis://redis:6379',
    'shards.min=2',
    // Short enough that a drained node is waited for.
    'shards.handoverSeconds=20',
    'shards.rollout.watchSeconds=5',
    'shards.scaleDownAfterSeconds=10',
  ].flatMap((value) => ['--set', value]);
}

/** Namespaces, broker, Redis and reader, and the chart; what is there already is brought up to date. */
export async function install(images: Images): Promise<void> {
  for (const name of [system, desk]) {
    await apply(namespaceYaml(name), name);
  }
  const reader = await bundledReader();
  const sum = createHash('sha256').update(reader).digest('hex').slice(0, 16);
  const values = { IMAGE: images.product, REDIS_IMAGE: images.redis, RATE: String(rate), READER_SUM: sum };
  await kubectl(['apply', '--server-side', '--force-conflicts', '--namespace', system, '-f', '-'], {
    input: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'reader' },
      data: { 'reader.js': reader },
    }),
  });
  for (const name of ['redis.yaml', 'broker.yaml', 'reader.yaml']) await apply(await fixture(name), system, values);
  await rollout('statefulset/redis', 'deployment/kite-simulator');
  await upgrade(images);
  await rollout('deployment/reader');
  // The operator rolls them out, one by one, once it runs itself.
  await eventually(
    'the ticker pods run this image',
    async () => {
      const running = await pods(system, shardPods);
      const newest = running.filter(({ ready, leaving, image }) => ready && !leaving && image === images.product);
      return newest.length >= 2 && newest.length === running.length ? true : undefined;
    },
    { timeout: 300_000 },
  );
}

/** Installs the chart, or brings it up to date, with further `NAME=VALUE`s of its values; waits until all of it runs. */
export async function upgrade(images: Images, ...more: readonly string[]): Promise<void> {
  const values = [...chartValues(images), ...more.flatMap((value) => ['--set', value])];
  const args = ['upgrade', '--install', release, chart, '-n', system, ...values, '--wait', '--timeout', '5m'];
  await run('helm', args, { timeout: 320_000 });
}

/** Takes away everything that {@link install} brought, the definitions too. */
export async function uninstall(): Promise<void> {
  await kubectl([
    'delete',
    'instrumentset,tickeraccount',
    '--all',
    '--namespace',
    desk,
    '--ignore-not-found',
    '--timeout=60s',
  ]);
  await run('helm', ['uninstall', release, '--namespace', system, '--ignore-not-found', '--wait']);
  await kubectl(['delete', 'namespace', system, desk, '--ignore-not-found', '--timeout=180s'], { timeout: 200_000 });
  await kubectl(['delete', 'customresourcedefinition', '--ignore-not-found', ...definitions]);
}

export const definitions = ['tickeraccounts', 'instrumentsets', 'subscriptionslices'].map(
  (plural) => `${plural}.ticker-operator.io`,
);

/** Waits until the newest state of each runs. */
export async function rollout(...workloads: readonly string[]): Promise<void> {
  for (const each of workloads) {
    await kubectl(['rollout', 'status', each, '--namespace', system, '--timeout=240s'], { timeout: 250_000 });
  }
}

function namespaceYaml(name: string): string {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/enforce-version': 'latest',
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

async function bundledReader(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-reader-'));
  try {
    await run(process.execPath, [join(root, 'scripts', 'bundle.ts'), folder, join(root, 'e2e', 'reader', 'reader.ts')]);
    return await readFile(join(folder, 'dist', 'reader.js'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
