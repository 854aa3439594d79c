import type { Cluster, Resource } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../crds/index.ts';
import { workloadManager } from './names.ts';
import { isApplied } from './objects.ts';

/** Applies objects that are not as they should be, and undoes what somebody else changed. */
export class WorkloadApplier {
  readonly #cluster: Cluster;
  /** Version of each object as we left it, or last found it right. */
  readonly #left = new Map<string, string>();
  /** Writes since the start. */
  written = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** @param found as the watch shows it. Returns whether something was written. */
  async apply(resource: Resource, wanted: KubeObject, found: KubeObject | undefined): Promise<boolean> {
    const key = keyOf(resource, wanted);
    // What the API server has may be newer than the watch; a version that we left is right whatever the watch shows.
    if (isApplied(wanted, found) && this.#left.get(key) === versionOf(found)) return false;
    const written = await this.#cluster.apply(resource, wanted, { fieldManager: workloadManager, force: true });
    this.#left.set(key, versionOf(written));
    this.written++;
    return true;
  }

  async remove(resource: Resource, found: KubeObject): Promise<void> {
    const { namespace, name, uid } = found.metadata;
    this.#left.delete(keyOf(resource, found));
    await this.#cluster.delete(
      resource,
      { name, ...(namespace === undefined ? {} : { namespace }) },
      uid === undefined ? {} : { uid },
    );
    this.written++;
  }
}

function keyOf(resource: Resource, { metadata }: KubeObject): string {
  return `${resource.plural} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** What changes with the content: not with the status, where the kind counts generations. */
function versionOf(object: KubeObject | undefined): string {
  const { generation, resourceVersion, uid } = object?.metadata ?? {};
  return `${uid} ${generation ?? resourceVersion}`;
}
