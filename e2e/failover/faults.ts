import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { eventually } from '../lab/command.ts';
import { kubectl } from '../lab/kubectl.ts';
import { operatorPods, release, rollout, shardPods, system } from '../lab/lab.ts';
import { breakNode, onNode, signalPod } from '../lab/nodes.ts';
import { get, list, type Pod, pods } from '../lab/objects.ts';

/** The product's program in its pods. */
const program = 'dist/main.js';
export async function leader(): Promise<Pod> {
  const { spec } = await get('lease', system, 'ticker-operator-leader');
  const identity = z.string().parse(spec['holderIdentity']);
  const pod = (await pods(system, operatorPods)).find(({ name }) => identity.startsWith(`${name}/`));
  if (pod === undefined) throw new Error(`the leader ${identity} is gone`);
  return pod;
}

export async function deletePod({ name }: Pod, force = false): Promise<void> {
  const now = force ? ['--grace-period=0', '--force'] : [];
  await kubectl(['delete', 'pod', name, '-n', system, '--wait=false', ...now]);
}

export const killProcess = (pod: Pod): Promise<void> => signalPod(pod, 'KILL', program);

/** Stops a pod's process for a while, as a machine that hangs would. */
export async function pauseProcess(pod: Pod, milliseconds: number): Promise<void> {
  await signalPod(pod, 'STOP', program);
  await delay(milliseconds);
  await signalPod(pod, 'CONT', program);
}

/** Ends a pod's process again each time that the kubelet starts it, until that waits before it does so anew. */
export async function crashLoop(pod: Pod): Promise<void> {
  await eventually(
    `${pod.name} is in CrashLoopBackOff`,
    async () => {
      const waiting = await kubectl([
        ...['get', 'pod', pod.name, '-n', system, '-o', 'jsonpath={.status.containerStatuses[*].state.waiting.reason}'],
      ]);
      if (waiting === 'CrashLoopBackOff') return true;
      await killProcess(pod).catch(() => undefined);
      return undefined;
    },
    { interval: 100 },
  );
}

export async function killRedis(): Promise<void> {
  const [pod] = await pods(system, 'app=redis');
  if (pod === undefined) throw new Error('no Redis is there');
  await signalPod(pod, 'KILL', '^redis-server');
}

/** No Redis, and what it had is lost, while something else happens. */
export async function withoutRedis(meanwhile: () => Promise<unknown>): Promise<void> {
  const scale = (replicas: number) => kubectl(['scale', 'statefulset/redis', '-n', system, `--replicas=${replicas}`]);
  await scale(0);
  try {
    await meanwhile();
  } finally {
    await scale(1);
  }
  await rollout('statefulset/redis');
}

/** No operator for a while. `meanwhile` runs once it is gone. */
export async function withoutOperator(milliseconds: number, meanwhile?: () => Promise<void>): Promise<void> {
  const scale = (replicas: number) =>
    kubectl(['scale', `deployment/${release}-operator`, '-n', system, `--replicas=${replicas}`]);
  await scale(0);
  try {
    await eventually('the operator is gone', async () =>
      (await pods(system, operatorPods)).length === 0 ? true : undefined,
    );
    await Promise.all([meanwhile?.(), delay(milliseconds)]);
  } finally {
    await scale(2);
  }
  await rollout(`deployment/${release}-operator`);
}

/** Every pod of operator and gateway is replaced, as an upgrade of the chart does it. */
export async function replaceOthers(): Promise<void> {
  const others = [`deployment/${release}-operator`, `deployment/${release}-gateway`];
  await kubectl(['rollout', 'restart', ...others, '-n', system]);
  await rollout(...others);
}

export async function drainNode(node: string): Promise<void> {
  try {
    const args = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=150s'];
    await kubectl(args, { timeout: 170_000 });
  } finally {
    await kubectl(['uncordon', node]);
  }
}

/** A node dies, and comes back after a while. */
export async function killNode(node: string, milliseconds: number): Promise<void> {
  await breakNode(node, 'kill');
  try {
    await delay(milliseconds);
  } finally {
    await breakNode(node, 'start');
  }
}

/** A pod reaches Redis and broker, but not the API server, while something else happens. */
export async function cutFromApiServer({ node, ip }: Pod, meanwhile: () => Promise<unknown>): Promise<void> {
  await withRules(node, cutBothWays('FORWARD', ` -s ${ip}`, 'FORWARD', ` -d ${ip}`), meanwhile);
}

/** Neither a node's kubelet nor its pods reach the API server while something else happens. */
export async function cutNodeFromApiServer(node: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const rules = [...cutBothWays('FORWARD', '', 'FORWARD', ''), ...cutBothWays('OUTPUT', '', 'INPUT', '')];
  await withRules(node, rules, meanwhile);
}

/** What the API server sends over a connection that is there would arrive too: a kubelet would hear of a deletion. */
function cutBothWays(out: string, from: string, back: string, to: string): string[] {
  return [`${back}${to} -p tcp --sport 6443 -j DROP`, `${out}${from} -p tcp --dport 6443 -j DROP`];
}

async function withRules(node: string, rules: readonly string[], meanwhile: () => Promise<unknown>): Promise<void> {
  for (const rule of rules) await onNode(node, `iptables -I ${rule}`);
  try {
    await meanwhile();
  } finally {
    for (const rule of rules) await onNode(node, `iptables -D ${rule}`);
  }
}

/** No pod is placed on a node while something else happens. */
export async function cordoned(node: string, meanwhile: () => Promise<unknown>): Promise<void> {
  await kubectl(['cordon', node]);
  try {
    await meanwhile();
  } finally {
    await kubectl(['uncordon', node]);
  }
}

/** Waits until every ticker pod has an annotation and is Ready. */
export async function rolledOut(annotation: string, value: string): Promise<void> {
  await eventually(
    'every pod has the changed template',
    async () => {
      const found = await list('pods', system, shardPods);
      return found.every(({ metadata }) => metadata.annotations[annotation] === value) ? true : undefined;
    },
    { timeout: 300_000 },
  );
}

const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml';

/** The API server is gone for a while. `meanwhile` may use nothing of it. */
export async function withoutApiServer(milliseconds: number, meanwhile?: () => Promise<void>): Promise<void> {
  const [node] = (await list('nodes', '', 'node-role.kubernetes.io/control-plane')).map(
    ({ metadata }) => metadata.name,
  );
  if (node === undefined) throw new Error('no node is a control plane');
  await onNode(node, `mv ${manifest} /etc/kubernetes/kube-apiserver.yaml`);
  try {
    await eventually('the API server is gone', () =>
      onNode(node, '! pgrep -f "^kube-apiserver" >/dev/null && echo gone'),
    );
    await Promise.all([meanwhile?.(), delay(milliseconds)]);
  } finally {
    await onNode(node, `mv /etc/kubernetes/kube-apiserver.yaml ${manifest}`);
  }
  await eventually('the API server is back', () => kubectl(['get', '--raw', '/readyz'], { timeout: 5000 }));
}
