import type { Cluster, Resource } from '../cluster/cluster.ts';
import { instrumentSets, subscriptionSlices, tickerAccounts } from '../cluster/resources.ts';
import type { InstrumentSet, KubeObject, SubscriptionSlice } from '../crds/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { MoveInvariants } from './move-invariants.ts';
import type { OwnershipRecorder } from './ownership-recorder.ts';
import type { Trace } from './trace.ts';

/** Writes of accounts, sets and slices within {@link burst}; in a whole run there are a few hundred, as a rule. */
const mostWrites = 1_500;
/** Milliseconds. */
const burst = 30_000;

export interface ClusterInvariantsOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly trace: Trace;
  readonly moves: MoveInvariants;
  readonly violated: (what: string) => void;
  /** The longest that a status may say Ready of what does not stream, where nothing keeps it from being told (milliseconds). */
  readonly readyLag: number;
  readonly recorder?: OwnershipRecorder | undefined;
}

/** What must hold of the objects, whatever fails: watched from inside the API server, where nothing is lost. */
export class ClusterInvariants {
  readonly #options: ClusterInvariantsOptions;
  readonly #epochs = new Map<string, SubscriptionSlice>();
  /** Since when a set that says Ready does not stream. */
  readonly #wrongSince = new Map<string, number>();
  readonly sets = new Map<string, InstrumentSet>();
  /** Ids of sets that were deleted at least once. */
  readonly deletedSets = new Set<string>();
  readonly slices = new Map<string, SubscriptionSlice>();
  /** The newest writes of accounts, sets and slices. */
  writes = 0;
  lastWrite = '';
  #burst = { since: 0, writes: 0 };

  constructor(options: ClusterInvariantsOptions) {
    this.#options = options;
  }

  /** Watches until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#follow(tickerAccounts, signal, () => undefined),
      this.#follow<InstrumentSet>(instrumentSets, signal, (set, gone) => {
        keep(this.sets, set, gone);
        if (!gone) return;
        const id = `${set.metadata.namespace}/${set.metadata.name}`;
        this.deletedSets.add(id);
        this.#wrongSince.delete(id);
      }),
      this.#follow<SubscriptionSlice>(subscriptionSlices, signal, (slice, gone) => {
        keep(this.slices, slice, gone);
        if (!gone) this.#slice(slice);
      }),
    ]);
  }

  /** @param streams whether an instrument is subscribed by a process that lives @param excused nobody could know yet */
  checkReady(streams: (instrument: string) => boolean, excused: boolean): void {
    const now = this.#options.clock.monotonic();
    for (const [id, set] of this.sets) {
      const missing = saysReady(set) ? (set.spec.instruments ?? []).find((name) => !streams(name)) : undefined;
      if (missing === undefined || excused) {
        this.#wrongSince.delete(id);
        continue;
      }
      const since = this.#wrongSince.get(id) ?? now;
      this.#wrongSince.set(id, since);
      if (now - since < this.#options.readyLag) continue;
      this.#options.violated(
        `set ${id} has said Ready for ${(now - since) / 1000} s, but nobody is subscribed to ${missing}`,
      );
      this.#wrongSince.delete(id);
    }
  }

  #countBurst(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#burst.since > burst) this.#burst = { since: now, writes: 0 };
    if (++this.#burst.writes !== mostWrites) return;
    const seconds = (now - this.#burst.since) / 1000;
    this.#options.violated(`${mostWrites} writes within ${seconds.toFixed(1)} s: somebody writes in a loop`);
  }

  async #follow<T extends KubeObject>(
    resource: Resource,
    signal: AbortSignal,
    seen: (object: T, gone: boolean) => void,
  ): Promise<void> {
    let resourceVersion = '1';
    while (!signal.aborted) {
      for await (const event of this.#options.cluster.watch<T>(resource, { resourceVersion, signal })) {
        if (event.type === 'BOOKMARK') {
          resourceVersion = event.resourceVersion;
          continue;
        }
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        this.writes++;
        this.#countBurst();
        this.lastWrite = `${event.type} ${resource.kind} ${event.object.metadata.name}`;
        this.#options.trace.add('api', `${this.lastWrite} at ${resourceVersion}`);
        seen(event.object, event.type === 'DELETED');
      }
    }
  }

  #slice(slice: SubscriptionSlice): void {
    const { uid = '', name } = slice.metadata;
    const before = this.#epochs.get(uid);
    this.#epochs.set(uid, slice);
    this.#options.recorder?.changed(before, slice);
    if (before === undefined) return;
    this.#options.moves.changed(before, slice);
    const { epoch, owner } = slice.spec;
    if (epoch < before.spec.epoch)
      this.#options.violated(`slice ${name}: epoch fell from ${before.spec.epoch} to ${epoch}`);
    const same = owner?.shard === before.spec.owner?.shard && owner?.uid === before.spec.owner?.uid;
    if (!same && owner !== undefined && epoch <= before.spec.epoch) {
      this.#options.violated(`slice ${name}: another owner is named under epoch ${epoch}`);
    }
    if (epoch !== before.spec.epoch) {
      this.#options.trace.add('owner', `${name}: ${owner?.shard}/${owner?.uid} under epoch ${epoch}`);
    }
  }
}

export function saysReady({ metadata, status }: InstrumentSet): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
}

function keep<T extends KubeObject>(objects: Map<string, T>, object: T, gone: boolean): void {
  const id = `${object.metadata.namespace}/${object.metadata.name}`;
  if (gone) objects.delete(id);
  else objects.set(id, object);
}
