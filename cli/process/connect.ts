import { randomBytes } from 'node:crypto';
import { KubernetesCluster, loadApiServerConfig, type RequestReport } from '../../cluster/kubernetes/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type Random, SeededRandom } from '../../runtime/random.ts';
import { version } from '../version.ts';

export interface ConnectOptions {
  readonly kubeconfig: string | undefined;
  /** What the API server's audit log shows. */
  readonly name: string;
  readonly requestTimeout?: number;
  readonly onRequest?: (report: RequestReport) => void;
}

/** A client of the API server that the environment, or a kubeconfig file, names. Nothing is asked of it yet. */
export async function connectCluster(options: ConnectOptions): Promise<{
  readonly cluster: KubernetesCluster;
  readonly random: Random;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string;
}> {
  const { kubeconfig, name, requestTimeout, onRequest } = options;
  const clock = systemClock;
  const config = await loadApiServerConfig({
    clock,
    env: process.env,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  const random = processRandom();
  const cluster = new KubernetesCluster({
    config,
    clock,
    random: random.fork('cluster'),
    userAgent: `${name}/${version}`,
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
    ...(onRequest === undefined ? {} : { onRequest }),
  });
  return { cluster, random, namespace: config.namespace };
}

/** Another sequence in each process: replicas must not wait alike. */
export function processRandom(): Random {
  return new SeededRandom(randomBytes(4).readUInt32LE());
}
