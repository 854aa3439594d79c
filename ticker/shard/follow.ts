import type { Cluster, ListOptions, Resource } from '../../cluster/cluster.ts';
import { Reflector, type ReflectorEvent } from '../../cluster/reflector.ts';
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
  /** The list was read whole. */
  readonly synced?: () => void;
}

/**
 * Tells objects apart by UID on top of a reflector: deletion and creation anew under one name are two objects. Runs until
 * `signal` is aborted; what was seen holds while the API server is away. An event that could not be taken comes again.
 */
export async function follow<T extends KubeObject>(options: FollowOptions<T>, signal: AbortSignal): Promise<void> {
  const { clock, random, log, resource } = options;
  const known = new Set<string>();
  const reflector = new Reflector<T>(options, (event) => take(event, known, options));
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await reflector.run(signal);
    } catch (error) {
      log.error({ event: 'watch.notTaken', kind: resource.kind, error: describeError(error) }, 'taking it again');
      await sleep(clock, backoffDelay(retry, failures, random), signal);
    }
  }
}

function take<T extends KubeObject>(event: ReflectorEvent<T>, known: Set<string>, options: FollowOptions<T>): void {
  const forget = (uid: string): void => {
    if (known.delete(uid)) options.gone(uid);
  };
  const see = (object: T): void => {
    known.add(uidOf(object));
    options.seen(object);
  };
  if (event.type === 'Listed') {
    const listed = new Set(event.objects.map(uidOf));
    for (const uid of known) if (!listed.has(uid)) forget(uid);
    for (const object of event.objects) see(object);
    options.synced?.();
  } else if (event.type === 'Applied') see(event.object);
  else if (event.type === 'Deleted') forget(uidOf(event.object));
}

function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? object.metadata.name;
}
