import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { ApiServerConfig } from './config.ts';
import { readBounded, TokenFile } from './credentials.ts';
import { credentialsUnavailable } from './errors.ts';

/** Where the kubelet mounts a pod's service account. */
export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The API server as a pod sees it, with its service account's projected token ("Accessing the Kubernetes API from a
 * Pod" in the documentation of Kubernetes). Undefined outside a pod.
 *
 * @param directory where the service account is mounted
 */
export async function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  directory = serviceAccountDirectory,
): Promise<ApiServerConfig | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') return undefined;
  const read = (name: string): Promise<string> =>
    readBounded(join(directory, name)).catch((error: unknown) => {
      throw credentialsUnavailable(`${join(directory, name)} cannot be read`, { cause: error });
    });
  const credentials = new TokenFile(join(directory, 'token'), clock);
  await credentials.current();
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace: (await read('namespace')).trim(),
    ca: await read('ca.crt'),
    credentials,
  };
}
