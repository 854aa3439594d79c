import { join } from 'node:path';
import { run } from './command.ts';
import type { Pod } from './objects.ts';

const cluster = join(import.meta.dirname, '..', 'kind', 'cluster');

/** Whether the nodes are containers here, that can be broken; else only what the API server does can be asked for. */
export const ownNodes = process.env['E2E_KUBECONFIG'] === undefined;

/** What a node's container runs; rejects where it fails. */
export function onNode(node: string, script: string): Promise<string> {
  return run(cluster, ['exec', node, 'sh', '-c', script]);
}

export type NodeAction = 'kill' | 'start' | 'pause' | 'unpause';

export async function breakNode(node: string, action: NodeAction): Promise<void> {
  await run(cluster, ['node', node, action]);
}

export type Signal = 'KILL' | 'STOP' | 'CONT';

/** Sends a signal to the processes of a pod whose command line matches `program`, from outside of it. */
export async function signalPod({ node, uid, name }: Pod, signal: Signal, program: string): Promise<void> {
  const group = uid.replaceAll('-', '[-_]');
  const script = `
    found=
    for process in /proc/[0-9]*; do
      grep -qs 'pod${group}' "$process/cgroup" && tr '\\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q '${program}' || continue
      kill -${signal} "\${process#/proc/}" && found=1
    done
    [ -n "$found" ]`;
  await onNode(node, script).catch((error: unknown) => {
    throw new Error(`no process of ${name} got SIG${signal}: ${error}`);
  });
}
