import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { CredentialSource } from './credentials.ts';
import { noClusterConfig } from './errors.ts';
import { inClusterConfig } from './in-cluster.ts';
import { kubeconfigFromFiles } from './kubeconfig.ts';

/** Where an API server is, and as whom to speak to it. */
export interface ApiServerConfig {
  /** e.g. `https://10.96.0.1:443`; a path is kept as a prefix. */
  readonly server: URL;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string;
  /** PEM; the system's authorities when absent. */
  readonly ca?: string;
  /** The name that the server's certificate must be for, where it is not the host's. */
  readonly serverName?: string;
  /** The server's certificate is not checked: for tests at most. */
  readonly insecure?: boolean;
  /** Whom to act as (`Impersonate-User` and its like), where the user may. */
  readonly impersonate?: Readonly<Record<string, string | string[]>>;
  readonly credentials: CredentialSource;
}

export interface LoadOptions {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A kubeconfig file, before everything else. */
  readonly kubeconfig?: string;
  /** A context of it; its current one when absent. */
  readonly context?: string;
}

/**
 * Finds the API server as kubectl does: the file given, `$KUBECONFIG`, `~/.kube/config`, a pod's service account; here
 * a pod's service account comes before `~/.kube/config`. `KUBECONFIG_MISSING` where there is none.
 */
export async function loadApiServerConfig(options: LoadOptions): Promise<ApiServerConfig> {
  const { kubeconfig, env, clock } = options;
  if (kubeconfig !== undefined) return kubeconfigFromFiles([kubeconfig], options);
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  if (listed.length > 0) return kubeconfigFromFiles(listed, options);
  const inCluster = await inClusterConfig(env, clock);
  if (inCluster !== undefined) return inCluster;
  const usual = join(env['HOME'] ?? homedir(), '.kube', 'config');
  const found = await kubeconfigFromFiles([usual], options, 'optional');
  if (found === undefined) throw noClusterConfig(`no kubeconfig file at ${usual}, and this is no pod of a cluster`);
  return found;
}
