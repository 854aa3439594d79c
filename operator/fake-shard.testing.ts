import type { Cluster } from '../cluster/cluster.ts';
import { drainingAnnotation, type Lease, leases, shardLabel, subscriptionSlices } from '../cluster/resources.ts';
import { type SliceShardStatus, type SubscriptionSlice, sliceFinalizer } from '../crds/index.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { CodedError } from '../runtime/errors.ts';
import { sameValue } from './controllers/same-value.ts';
import { reportOf } from './controllers/shards.ts';

/**
 * A shard that obeys at once: renews its lease, serves every slice that names it, is warm for those that name it as their
 * next, lets go of those that another has claimed, and ends those that are being deleted.
 */
export class FakeShard {
  readonly identity: { readonly shard: string; readonly uid: string };
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Changes what it says of a slice. */
  report: (slice: SubscriptionSlice) => Partial<SliceShardStatus> = () => ({});
  draining = false;
  /** False: it hangs. Neither lease nor status is written. */
  alive = true;
  /** What it has been told to stream, newest last. */
  readonly seen: SubscriptionSlice[] = [];

  constructor(cluster: Cluster, clock: Clock, shard: string, uid = `${shard}-uid`) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.identity = { shard, uid };
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let beats = 0;
    while (!this.#stop.signal.aborted) {
      if (this.alive) {
        if (beats++ % 10 === 0) await this.#renew();
        await this.#serve();
      }
      await sleep(this.#clock, 100, this.#stop.signal);
    }
  }

  async #renew(): Promise<void> {
    const { shard, uid } = this.identity;
    const lease: Lease = {
      apiVersion: leases.apiVersion,
      kind: 'Lease',
      metadata: {
        name: shard,
        namespace: 'default',
        labels: { [shardLabel]: shard },
        annotations: { [drainingAnnotation]: String(this.draining) },
      },
      spec: {
        holderIdentity: `${shard}/${uid}`,
        renewTime: new Date(this.#clock.now()).toISOString().replace('Z', '000Z'),
      },
    };
    await this.#cluster.apply(leases, lease, { fieldManager: `fake/${shard}`, force: true });
  }

  async #serve(): Promise<void> {
    const { items } = await this.#cluster.list<SubscriptionSlice>(subscriptionSlices);
    for (const slice of items) {
      const { owner, next } = slice.spec;
      try {
        if (owner?.uid === this.identity.uid) {
          if (slice.metadata.deletionTimestamp === undefined) await this.#say(slice);
          else await this.#end(slice);
        } else if (next?.uid === this.identity.uid) {
          await this.#say(slice, { phase: 'Warm' });
        } else {
          await this.#letGo(slice);
        }
      } catch (error) {
        // Deleted or changed meanwhile: looked at again in the next turn.
        if (!(error instanceof CodedError)) throw error;
      }
    }
  }

  /** The new owner's claim refuses this one. */
  async #letGo(slice: SubscriptionSlice): Promise<void> {
    const reports = slice.status?.shards ?? [];
    const own = reports.find(({ uid }) => uid === this.identity.uid);
    const newer = reports.find(({ token }) => token?.epoch === slice.spec.epoch)?.token;
    if (own === undefined || own.phase === 'Refused' || newer === undefined) return;
    await this.#say(slice, { phase: 'Refused', subscribed: 0, beatenBy: newer });
  }

  async #say(slice: SubscriptionSlice, besides: Partial<SliceShardStatus> = {}): Promise<void> {
    const { shard, uid } = this.identity;
    if (!this.seen.some(({ metadata }) => metadata.resourceVersion === slice.metadata.resourceVersion))
      this.seen.push(slice);
    const instruments = slice.spec.groups.reduce((sum, group) => sum + group.instruments.length, 0);
    const said: SliceShardStatus = {
      shard,
      uid,
      observedGeneration: slice.metadata.generation ?? 0,
      phase: slice.spec.suspended ? 'Suspended' : 'Streaming',
      ...(besides.phase === undefined ? { token: { epoch: slice.spec.epoch, claim: 1 } } : {}),
      subscribed: instruments,
      streaming: slice.metadata.generation ?? 0,
      ...(slice.spec.connection === 0 ? { account: { credentials: 'Valid', connected: true } } : {}),
      ...besides,
      ...this.report(slice),
    };
    if (sameValue(said, reportOf(slice, this.identity))) return;
    const { name, namespace = '' } = slice.metadata;
    const object = { ...slice, metadata: { name, namespace }, status: { shards: [said] } };
    await this.#cluster.applyStatus(subscriptionSlices, object, { fieldManager: `ticker-shard/${shard}/${uid}` });
  }

  async #end(slice: SubscriptionSlice): Promise<void> {
    const { name, namespace = '', finalizers = [] } = slice.metadata;
    const path = `/metadata/finalizers/${finalizers.indexOf(sliceFinalizer)}`;
    const operations = [
      { op: 'test' as const, path, value: sliceFinalizer },
      { op: 'remove' as const, path },
    ];
    await this.#cluster.patch(subscriptionSlices, { name, namespace }, operations, { fieldManager: 'fake' });
  }
}
