import type { Resource } from '../../cluster/cluster.ts';
import { loadApiServerConfig } from '../../cluster/kubernetes/config.ts';
import { HttpConnection } from '../../cluster/kubernetes/http-connection.ts';
import { collectionPath } from '../../cluster/kubernetes/paths.ts';
import { resources } from '../../cluster/resources.ts';
import { statefulSets } from '../../cluster/workload-resources.ts';
import { systemClock } from '../../runtime/clock.ts';

/** Milliseconds for an answer. */
const timeout = 20_000;

/** Kinds that these tests look at. */
const kinds: readonly Resource[] = [
  ...resources,
  statefulSets,
  { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
];

let connection: Promise<HttpConnection> | undefined;

async function connect(): Promise<HttpConnection> {
  const config = await loadApiServerConfig({ clock: systemClock, env: process.env });
  return new HttpConnection({ config, clock: systemClock, userAgent: 'e2e' });
}

/**
 * What the API server of $KUBECONFIG answers. Over connections that stay open: processes of kubectl that look at a cluster
 * several times a second take more processor than the cluster that is to be measured.
 */
async function exchange(method: 'GET' | 'POST', path: string, body?: string): Promise<string> {
  connection ??= connect();
  const sent = body === undefined ? {} : { body, contentType: 'application/json' };
  const answer = await (await connection).exchange({ method, path, timeout, ...sent }).catch((error: unknown) => {
    throw new Error(`${method} ${path}: ${String(error)}`, { cause: error });
  });
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 500)}`);
  return answer.body;
}

export const read = (path: string): Promise<string> => exchange('GET', path);

/** A path of a pod's own HTTP server, through the API server. */
export function podPath(namespace: string, pod: string, port: number, path: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy${path}`;
}

/** Sends JSON. */
export const post = (path: string, body: unknown): Promise<string> => exchange('POST', path, JSON.stringify(body));

/** The path of a kind's objects, named in the singular or the plural; in every namespace where that is empty. */
export function pathOf(name: string, namespace: string): string {
  const resource = kinds.find(({ kind, plural }) => name === plural || name === kind.toLowerCase());
  if (resource === undefined) throw new Error(`where are objects of kind ${name}? Say it in e2e/lab/api.ts`);
  return collectionPath(resource, namespace);
}
