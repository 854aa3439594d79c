import type { Cluster, Resource, WatchEvent, WatchOptions } from '../cluster/cluster.ts';
import { unavailable } from '../cluster/errors.ts';
import { instrumentSets, secrets, subscriptionSlices } from '../cluster/resources.ts';
import type { SuspicionOptions } from '../cluster/suspicion.ts';
import type { InstrumentSet, KubeObject, ShardIdentity, SubscriptionSlice } from '../crds/index.ts';
import { Overlay } from '../operator/controllers/overlay.ts';
import { hasCode } from '../runtime/errors.ts';
import { SliceRunner } from '../ticker/shard/slice-runner.ts';
import type { Sink } from '../ticker/sinks/sink.ts';

/** A deliberate bug, put between the parts: what the invariants must see. */
export interface Mutation {
  readonly name: string;
  readonly sink?: (sink: Sink) => Sink;
  readonly shardCluster?: (cluster: Cluster, identity: ShardIdentity) => Cluster;
  readonly operatorCluster?: (cluster: Cluster) => Cluster;
  readonly suspicion?: SuspicionOptions;
  /** Changes a part itself; returns how to undo it. */
  readonly install?: () => () => void;
}

/** Every call of the inner sink, but for those that are changed. */
function alteredSink(inner: Sink, changes: Partial<Sink>): Sink {
  return {
    claim: (request) => inner.claim(request),
    send: (call) => inner.send(call),
    sendLate: (call) => inner.sendLate(call),
    mark: (sliceUid, mark) => inner.mark(sliceUid, mark),
    end: (sliceUid, token) => inner.end(sliceUid, token),
    ping: () => inner.ping(),
    close: () => inner.close(),
    ...changes,
  };
}

/** Every call of the inner cluster, but for what writes and watches are made of. */
function alteredCluster(
  inner: Cluster,
  changes: {
    readonly applied?: (resource: Resource, object: KubeObject) => Promise<KubeObject>;
    readonly status?: (resource: Resource, object: KubeObject) => KubeObject;
    readonly watched?: (resource: Resource, options: WatchOptions) => AsyncIterable<WatchEvent<KubeObject>>;
  },
): Cluster {
  const { applied, status, watched } = changes;
  return {
    get: (resource, name) => inner.get(resource, name),
    list: (resource, options) => inner.list(resource, options),
    watch: <T extends KubeObject>(resource: Resource, options: WatchOptions) =>
      watched === undefined
        ? inner.watch<T>(resource, options)
        : (watched(resource, options) as AsyncIterable<WatchEvent<T>>),
    create: (resource, object, options) => inner.create(resource, object, options),
    replace: (resource, object, options) => inner.replace(resource, object, options),
    apply: async (resource, object, options) =>
      inner.apply(
        resource,
        applied === undefined ? object : ((await applied(resource, object)) as typeof object),
        options,
      ),
    applyStatus: (resource, object, options) =>
      inner.applyStatus(resource, status === undefined ? object : (status(resource, object) as typeof object), options),
    patch: (resource, name, operations, options) => inner.patch(resource, name, operations, options),
    delete: (resource, name, options) => inner.delete(resource, name, options),
  };
}

/** The owner and successor that a slice's writes name, as they should not. */
function naming(change: (spec: SubscriptionSlice['spec'], before: SubscriptionSlice['spec'] | undefined) => object) {
  return (inner: Cluster): Cluster => {
    const written = new Map<string, SubscriptionSlice['spec']>();
    return alteredCluster(inner, {
      applied: async (resource, object) => {
        if (resource !== subscriptionSlices) return object;
        const slice = object as SubscriptionSlice;
        const spec = { ...slice.spec, ...change(slice.spec, written.get(slice.metadata.name)) };
        written.set(slice.metadata.name, spec);
        return { ...slice, spec };
      },
    });
  };
}

/** Every `lost`-th call is said to be written and is not. */
const lost = 40;
/** Every so manyth call gets the next one's number. */
const skipped = 50;

export const mutations: readonly Mutation[] = [
  {
    name: 'the sink skips the fence',
    sink: (inner) =>
      alteredSink(inner, {
        send: async (call) => {
          const answer = await inner.send(call);
          return answer.kind === 'refused' ? { kind: 'written' } : answer;
        },
      }),
  },
  {
    name: 'the sink takes a repeated call for a new one',
    sink: (inner) =>
      alteredSink(inner, {
        send: async (call) => {
          const answer = await inner.send(call);
          return answer.kind === 'already' ? { kind: 'written' } : answer;
        },
      }),
  },
  {
    name: 'the sink does not count claims',
    sink: (inner) =>
      alteredSink(inner, {
        claim: async (request) => {
          const answer = await inner.claim(request);
          return answer.kind === 'claimed' ? { ...answer, token: { ...answer.token, claim: 1 } } : answer;
        },
      }),
  },
  {
    name: 'the sink loses calls that it has accepted',
    sink: (inner) =>
      alteredSink(inner, {
        send: async (call) => (call.n % lost === 0 ? { kind: 'written' } : await inner.send(call)),
      }),
  },
  {
    name: 'the operator does not raise the epoch',
    operatorCluster: (inner) =>
      alteredCluster(inner, {
        applied: async (resource, object) => {
          if (resource !== subscriptionSlices) return object;
          const slice = object as SubscriptionSlice;
          return { ...slice, spec: { ...slice.spec, epoch: 1 } };
        },
      }),
  },
  {
    name: 'a status differs at each write',
    operatorCluster: (inner) => {
      let writes = 0;
      return alteredCluster(inner, {
        status: (resource, object) => {
          if (resource !== instrumentSets) return object;
          const set = object as InstrumentSet;
          return { ...set, status: { ...set.status, requested: ++writes } } as InstrumentSet;
        },
      });
    },
  },
  {
    name: 'a shard does not see that a Secret changes',
    shardCluster: (inner) =>
      alteredCluster(inner, {
        watched: (resource, options) =>
          resource === secrets ? silence(options.signal) : inner.watch<KubeObject>(resource, options),
      }),
  },
  {
    name: 'the sink says of a call that skips one that it was written',
    sink: (inner) =>
      alteredSink(inner, {
        send: async (call) => {
          const answer = await inner.send(call.n % skipped === 0 ? { ...call, n: call.n + 1 } : call);
          return answer.kind === 'gap' ? { kind: 'written' } : answer;
        },
      }),
  },
  {
    name: 'the operator ignores that its watch has expired (410)',
    operatorCluster: (inner) => {
      const deaf = new Set<Resource>();
      return alteredCluster(inner, {
        watched: (resource, options) =>
          deaf.has(resource)
            ? silence(options.signal)
            : deafTo410(inner.watch(resource, options), options, () => deaf.add(resource)),
      });
    },
  },
  {
    name: 'an expectation is dropped: the operator forgets what it has just written',
    install: () => {
      const { wrote } = Overlay.prototype;
      Overlay.prototype.wrote = () => undefined;
      return () => {
        Overlay.prototype.wrote = wrote;
      };
    },
  },
  {
    name: 'a shard stops when another is named, not when it is turned away',
    install: () => {
      const { vanished } = SliceRunner.prototype;
      SliceRunner.prototype.vanished = function (this: SliceRunner): void {
        this.stop().catch(() => undefined);
      };
      return () => {
        SliceRunner.prototype.vanished = vanished;
      };
    },
  },
  {
    name: 'a standby is promoted that is not warm',
    operatorCluster: naming(({ next, epoch }) =>
      next === undefined ? {} : { owner: next, next: undefined, epoch: epoch + 1 },
    ),
  },
  {
    name: 'a second move starts before the claim',
    operatorCluster: naming(({ owner, next, epoch }, before) =>
      before?.owner !== undefined && before.epoch < epoch && before.owner.uid !== owner?.uid && next === undefined
        ? { next: before.owner }
        : {},
    ),
  },
  {
    name: "the suspicion's wait is kept through an outage",
    suspicion: { liveWithin: Number.POSITIVE_INFINITY },
  },
  {
    name: 'the operator does not hear that a set is deleted',
    operatorCluster: (inner) => ({
      ...alteredCluster(inner, {
        watched: (resource, options) =>
          resource === instrumentSets
            ? withoutDeletions(inner.watch(resource, options))
            : inner.watch<KubeObject>(resource, options),
      }),
      // Nor from the API server's answer to its status.
      applyStatus: (resource, object, options) =>
        inner.applyStatus(resource, object, options).catch((error: unknown) => {
          throw hasCode(error, 'CLUSTER_NOT_FOUND') ? unavailable('the status of what is gone') : error;
        }),
    }),
  },
];

async function* silence(signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>, void> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Where the API server says that the version is too old, nothing is heard any more, however often it is watched anew. */
async function* deafTo410(
  events: AsyncIterable<WatchEvent<KubeObject>>,
  { signal }: WatchOptions,
  expired: () => void,
): AsyncGenerator<WatchEvent<KubeObject>, void> {
  try {
    yield* events;
  } catch (error) {
    if (!hasCode(error, 'CLUSTER_EXPIRED')) throw error;
    expired();
    yield* silence(signal);
  }
}

async function* withoutDeletions(
  events: AsyncIterable<WatchEvent<KubeObject>>,
): AsyncGenerator<WatchEvent<KubeObject>, void> {
  for await (const event of events) if (event.type !== 'DELETED') yield event;
}
