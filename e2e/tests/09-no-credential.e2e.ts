import { expect, it } from 'vitest';
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
  for (const selector of [operatorPods, shardPods, gatewayPods]) {
    for (const { name, restarts } of await pods(system, selector)) {
      search(`log of ${name}`, await kubectl(['logs', name, '-n', system]));
      if (restarts > 0) search(`former log of ${name}`, await kubectl(['logs', name, '-n', system, '--previous']));
      search(`metrics of ${name}`, await podGet(name, 9464, '/metrics'));
    }
  }
  expect(searched).toBeGreaterThan(10_000);
  expect(found).toEqual([]);
});
