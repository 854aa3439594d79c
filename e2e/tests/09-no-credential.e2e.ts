import { expect, it } from 'vitest';
import { eventually } from '../lab/command.ts';
import { kubectl } from '../lab/kubectl.ts';
import { desk, gatewayPods, operatorPods, shardPods, system } from '../lab/lab.ts';
import { pods } from '../lab/objects.ts';
import { podGet } from '../lab/reader.ts';

/** What the Secrets of these tests hold; the broker's own command line names one of them, and is not ours to hide. */
const credentials = /demo-token-[ab]|mistyped-token-value/;

/** Last of all files: what the whole run left behind. */
it('no credential is in any log, object, event or metric', async () => {
  const found: string[] = [];
  let searched = 0;
  const search = (where: string, text: string): void => {
    searched += text.length;
    const line = text.split('\n').find((each) => credentials.test(each));
    if (line !== undefined) found.push(`${where}: ${line.slice(0, 200)}`);
  };
  const kinds =
    'pods,statefulsets,deployments,configmaps,leases,tickeraccounts,instrumentsets,subscriptionslices,events';
  for (const namespace of [system, desk]) {
    search(
      `objects of ${namespace}`,
      await kubectl(['get', kinds, '-n', namespace, '-o', 'yaml', '--show-managed-fields']),
    );
  }
  // The clean-up of the tests before still replaces pods, and one that is gone has no metrics: then all are searched again.
  const all = async () => {
    // Not by the release's label: the finished pod of `helm test` has it too, and is never Ready.
    const ours = (await Promise.all([operatorPods, shardPods, gatewayPods].map((each) => pods(system, each)))).flat();
    if (!ours.every(({ ready, leaving }) => ready && !leaving)) return undefined;
    for (const { name, restarts } of ours) {
      search(`log of ${name}`, await kubectl(['logs', name, '-n', system]));
      if (restarts > 0) search(`former log of ${name}`, await kubectl(['logs', name, '-n', system, '--previous']));
      search(`metrics of ${name}`, await podGet(name, 9464, '/metrics'));
    }
    return ours;
  };
  const ours = await eventually('every pod is there to stay, and searched', all, { timeout: 200_000, interval: 1000 });
  expect(new Set(ours.map(({ component }) => component))).toEqual(new Set(['operator', 'shard', 'gateway']));
  expect(searched).toBeGreaterThan(10_000);
  expect(found).toEqual([]);
});
