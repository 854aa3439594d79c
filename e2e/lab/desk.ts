import { eventually } from './command.ts';
import { conditionOf, kubectl, list } from './kubectl.ts';
import { desk, samples } from './lab.ts';

/** Applies `samples/` as the README says, and waits until both sets are Ready. */
export async function applySamples(): Promise<void> {
  await kubectl(['apply', '-n', desk, '-f', samples]);
  await waitReady();
}

/** As a user would: every set is Ready. */
export async function waitReady(timeout = 120): Promise<void> {
  const args = ['wait', '--for=condition=Ready', 'instrumentset', '--all', '-n', desk, `--timeout=${timeout}s`];
  await kubectl(args, { timeout: (timeout + 10) * 1000 });
}

/** Takes every set and account away, and waits until no slice is left. */
export async function clearDesk(): Promise<void> {
  await kubectl(['delete', 'instrumentset,tickeraccount', '--all', '-n', desk, '--timeout=60s']);
  await eventually('no slice is left', async () =>
    (await list('subscriptionslice', desk)).length === 0 ? true : undefined,
  );
}

/** Reason and message of a condition of an object once it is as asked. */
export function waitCondition(kind: string, name: string, type: string, status: 'True' | 'False', timeout = 120_000) {
  return eventually(
    `${kind}/${name} has ${type}=${status}`,
    async () => {
      const item = (await list(kind, desk)).find(({ metadata }) => metadata.name === name);
      const condition = item && conditionOf(item, type);
      return condition?.status === status ? condition : undefined;
    },
    { timeout },
  );
}
