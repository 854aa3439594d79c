import { eventually } from '../lab/command.ts';
import { recovered } from '../lab/desk.ts';
import { operatorPods, shardPods, system } from '../lab/lab.ts';
import { type Pod, pods } from '../lab/objects.ts';
import { cordoned, deletePod } from './faults.ts';

/** Restarts after which the kubelet waits before it starts a container again: 10 s, then longer, up to 5 minutes. */
const manyRestarts = 1;

/** Replaces pods whose containers the kubelet would keep waiting: what is measured is the product, not its patience. */
export async function freshPods(): Promise<void> {
  // Not Redis: what it has would be gone, and the reader's way to it for seconds.
  for (const selector of [operatorPods, shardPods]) {
    for (const pod of await pods(system, selector)) {
      if (pod.restarts < manyRestarts || pod.leaving) continue;
      await recovered();
      await replaced(pod, selector);
    }
  }
}

/** Sees to it that the operator's replicas are on more than one node: a standby that is cut off too takes nothing over. */
export const spreadOperators = (): Promise<undefined> => spread(operatorPods);

/** Sees to it that no node has all ticker pods: a drain or a node that was away leaves them together. */
export const spreadShards = (): Promise<undefined> => spread(shardPods);

async function spread(selector: string): Promise<undefined> {
  await eventually(`the pods of ${selector} are on more than one node`, async () => {
    const found = (await pods(system, selector)).filter(({ leaving }) => !leaving);
    if (new Set(found.map(({ node }) => node)).size > 1) return true;
    await recovered();
    const [first] = found;
    if (first !== undefined) await cordoned(first.node, () => replaced(first, selector));
    return undefined;
  });
}

/** Deletes a pod, and waits until all that its selector names are Ready without it. */
async function replaced(pod: Pod, selector: string): Promise<void> {
  const before = await pods(system, selector);
  await deletePod(pod);
  await eventually(`another pod is Ready for ${pod.name}`, async () => {
    const now = await pods(system, selector);
    const gone = now.every(({ uid }) => uid !== pod.uid);
    return gone && now.length >= before.length && now.every(({ ready }) => ready) ? true : undefined;
  });
}
