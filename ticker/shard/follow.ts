import type { Cluster, ListOptions, Resource } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../crds/index.ts';
import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';

const retry: BackoffPolicy = { first: 100, most: 10_000 };

export interface FollowOptions<T extends KubeObject> {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly resource: Resource;
  readonly where: ListOptions;
  /** An object as it is now; also once for each when the list is read again. */
  readonly seen: (object: T) => void;
  /** An object that matched before does no longer, by its UID. */
  readonly gone: (uid: string) => void;
  /** The first list was read whole. */
  readonly synced?: () => void;
}

/**
 * Follows the objects of a list: reads it, watches from there, and reads it again whenever the watch breaks. Deletion and
 * creation anew under one name are two objects. Runs until `signal` is aborted; what was seen holds while the API server
 * is away.
 */
export async function follow<T extends KubeObject>(options: FollowOptions<T>, signal: AbortSignal): Promise<void> {
  const { cluster, clock, random, log, resource, where, seen, gone, synced } = options;
  const known = new Set<string>();
  let failures = 0;
  while (!signal.aborted) {
    try {
      const list = await cluster.list<T>(resource, where);
      const listed = new Set(list.items.map(uidOf));
      for (const uid of known) if (!listed.has(uid)) forget(uid);
      for (const item of list.items) see(item);
      synced?.();
      const from = { ...where, resourceVersion: list.resourceVersion, signal };
      for await (const event of cluster.watch<T>(resource, from)) {
        failures = 0;
        if (event.type === 'DELETED') forget(uidOf(event.object));
        else if (event.type !== 'BOOKMARK') see(event.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ event: 'watch.failed', kind: resource.kind, error: describeError(error) }, 'listing again');
    }
    await sleep(clock, backoffDelay(retry, failures++, random), signal);
  }

  function see(object: T): void {
    known.add(uidOf(object));
    seen(object);
  }
  function forget(uid: string): void {
    if (known.delete(uid)) gone(uid);
  }
}

function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? object.metadata.name;
}
