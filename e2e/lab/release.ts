import { join } from 'node:path';
import { z } from 'zod';
import { eventually, run } from './command.ts';
import { kubectl } from './kubectl.ts';
import { chart, chartValues, type Images, release, shardPods, system } from './lab.ts';
import { list, pods } from './objects.ts';

/** The chart as it was packaged before the one of this tree: of commit b9c8402. */
export const previousChart = join(import.meta.dirname, '..', 'fixtures', 'charts', 'ticker-operator-0.1.0.tgz');

const minutes = ['--wait', '--timeout', '5m'];

/** `helm install` of a chart, with further `NAME=VALUE`s. */
export async function helmInstall(what: string, images: Images, ...more: readonly string[]): Promise<void> {
  const values = [...chartValues(images), ...more.flatMap((value) => ['--set', value])];
  await run('helm', ['install', release, what, '-n', system, ...values, ...minutes], { timeout: 320_000 });
}

/** `helm upgrade` to the chart of this tree, with the values that the release has, and these. */
export async function helmUpgrade(...more: readonly string[]): Promise<void> {
  const values = ['--reset-then-reuse-values', ...more.flatMap((value) => ['--set', value])];
  await run('helm', ['upgrade', release, chart, '-n', system, ...values, ...minutes], { timeout: 320_000 });
}

/** `helm rollback` to a revision: 1 is the installation. */
export async function helmRollback(revision: number): Promise<void> {
  await run('helm', ['rollback', release, String(revision), '-n', system, ...minutes], { timeout: 320_000 });
}

/** `helm uninstall`; waits until the ticker pods, which the operator made, are gone too. */
export async function helmUninstall(): Promise<void> {
  await run('helm', ['uninstall', release, '-n', system, '--ignore-not-found', ...minutes], { timeout: 320_000 });
  await eventually('no ticker pod is left', async () =>
    (await pods(system, shardPods)).length === 0 ? true : undefined,
  );
}

/** What `helm test` and its pod said; rejects with all of it where the test failed. */
export async function helmTest(): Promise<string> {
  const args = ['test', release, '-n', system, '--timeout', '3m'];
  const failure = await run('helm', args, { timeout: 200_000 }).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const log = await kubectl(['logs', `${release}-test`, '-n', system]);
  await kubectl(['delete', 'pod', `${release}-test`, '-n', system, '--wait']);
  if (failure !== undefined) throw new Error(`${log}\n${failure}`);
  return log;
}

const updateStatus = z.looseObject({ updateRevision: z.string().default('') });
const updateSpec = z.looseObject({
  replicas: z.int(),
  updateStrategy: z.looseObject({ rollingUpdate: z.looseObject({ partition: z.int().default(0) }) }),
  template: z.looseObject({
    spec: z.looseObject({ containers: z.array(z.looseObject({ args: z.array(z.string()) })) }),
  }),
});

/** Waits until every ticker pod is made from a template whose arguments are as asked. */
export async function shardsRun(what: string, isNew: (args: readonly string[]) => boolean): Promise<void> {
  await eventually(
    `the ticker pods run ${what}`,
    async () => {
      const [set] = (await list('statefulset', system)).filter(({ metadata }) => metadata.name === release);
      if (set === undefined) return undefined;
      const { replicas, updateStrategy, template } = updateSpec.parse(set.spec);
      const { updateRevision } = updateStatus.parse(set.status);
      if (!isNew(template.spec.containers.flatMap(({ args }) => args)))
        throw new Error('the template is the former one');
      if (updateStrategy.rollingUpdate.partition > 0)
        throw new Error(`partition ${updateStrategy.rollingUpdate.partition}`);
      const running = await list('pods', system, shardPods);
      const updated = running.filter(({ metadata }) => metadata.labels['controller-revision-hash'] === updateRevision);
      return running.length === replicas && updated.length === replicas ? true : undefined;
    },
    { timeout: 300_000 },
  );
}
