import type { Cluster, ListOptions, Resource } from '../../cluster/cluster.ts';
import { Informer } from '../../cluster/informer.ts';
import type { Pod } from '../../cluster/resources.ts';
import {
  deployments,
  disruptionBudgets,
  type StatefulSet,
  services,
  statefulSets,
} from '../../cluster/workload-resources.ts';
import type { KubeObject, ShardIdentity, SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { EventRecorder } from '../controllers/event-recorder.ts';
import { AccessController } from './access-controller.ts';
import { CanaryErrors } from './canary-errors.ts';
import type { ShardsConfig } from './config.ts';
import { type Marks, readMarks } from './marks.ts';
import { ordinalOf, shardsLabel } from './names.ts';
import { disruptionBudgetOf, type Place, serviceOf, statefulSetOf } from './objects.ts';
import { nextWorkload, podViews } from './plan.ts';
import { type PodCounts, readPodCounts } from './pod-metrics.ts';
import { areAllDown } from './rollout.ts';
import { isIdle } from './scaling.ts';
import type { PlannedLoad } from './sizing.ts';
import { WorkloadApplier } from './workload-applier.ts';

export interface WorkloadOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly supervisor: Supervisor;
  readonly namespace: string;
  readonly config: ShardsConfig;
  readonly accounts: () => readonly TickerAccount[];
  readonly slices: () => readonly SubscriptionSlice[];
  /** Of {@link shardPods}. */
  readonly pods: () => readonly Pod[];
  /** Undefined while nothing has been planned yet. */
  readonly load: () => PlannedLoad | undefined;
  /** `HOST:PORT` of a shard's metrics. */
  readonly addressOf: (shard: ShardIdentity) => string | undefined;
  /** Told the names of the pods that are to go, when they change. */
  readonly leave: (shards: ReadonlySet<string>) => void;
}

export interface WorkloadSnapshot {
  readonly reconciles: { readonly succeeded: number; readonly failed: number };
  readonly written: number;
  readonly pods: {
    readonly wanted: number;
    readonly present: number;
    readonly ready: number;
    readonly updated: number;
  };
  readonly rollout: 'None' | 'Canary' | 'Watching' | 'Rolling' | 'Stopped';
  readonly leaving: number;
  readonly namespaces: number;
}

/** Milliseconds between two looks; everything that is looked at lies in caches. */
const interval = 1_000;

/**
 * Runs the shards: StatefulSet, Service, PodDisruptionBudget, and in each namespace with accounts the Role that lets the
 * shards read those accounts' Secrets. Level-triggered: it may be run, ended and run again at any time.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #applier: WorkloadApplier;
  readonly #access: AccessController;
  readonly #events: EventRecorder;
  readonly #caches: {
    readonly sets: Informer<StatefulSet>;
    readonly services: Informer<KubeObject>;
    readonly budgets: Informer<KubeObject>;
  };
  readonly #errors = new CanaryErrors();
  readonly #counts = { succeeded: 0, failed: 0 };
  #place: Place | undefined;
  #idleSince: number | undefined;
  #progress = { pods: 0, at: 0 };
  #allDownAt = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { cluster, clock, log, namespace, config } = options;
    this.#applier = new WorkloadApplier(cluster);
    const serviceAccount = config.template.spec.serviceAccountName;
    this.#access = new AccessController({ ...options, applier: this.#applier, shards: { serviceAccount, namespace } });
    this.#events = new EventRecorder(cluster, clock, log);
    const own = shardPods(namespace, config);
    this.#caches = {
      sets: this.#cache<StatefulSet>(statefulSets, own),
      services: this.#cache<KubeObject>(services, own),
      budgets: this.#cache<KubeObject>(disruptionBudgets, own),
    };
    this.#caches.sets.onChange(({ type, object }) =>
      options.leave(leavingPods(type === 'DELETED' ? undefined : object)),
    );
  }

  /** Fills the caches and keeps them current; resolves when they have been filled. */
  async standBy(signal: AbortSignal): Promise<void> {
    const { supervisor } = this.#options;
    const caches = { ...this.#caches, ...this.#access.caches };
    for (const [name, cache] of Object.entries(caches)) {
      supervisor.run(`workload/watch-${name}`, (stop) => cache.run(stop));
    }
    await Promise.all(Object.values(caches).map((cache) => cache.waitForSync(signal)));
  }

  /** Reconciles until `signal` is aborted: for the one replica that leads. */
  async lead(signal: AbortSignal): Promise<void> {
    const { clock, log, supervisor } = this.#options;
    const stopEvents = supervisor.run('workload/events', (stop) => this.#events.run(stop));
    while (!signal.aborted) {
      try {
        await this.reconcile();
        this.#counts.succeeded++;
      } catch (error) {
        this.#counts.failed++;
        log.warn({ event: 'workload.failed', error }, describeError(error));
      }
      await sleep(clock, interval, signal);
    }
    await stopEvents();
  }

  async reconcile(): Promise<void> {
    await this.#access.reconcile(this.#options.accounts(), this.#options.slices());
    const load = this.#options.load();
    if (load === undefined) return;
    const { config } = this.#options;
    this.#place ??= await this.#findPlace();
    const place = this.#place;
    const named = { namespace: place.namespace, name: config.name };
    await this.#applier.apply(services, serviceOf(config, place), this.#caches.services.get(named));
    await this.#applier.apply(disruptionBudgets, disruptionBudgetOf(config, place), this.#caches.budgets.get(named));
    await this.#reconcileSet(load, place);
  }

  snapshot(): WorkloadSnapshot {
    const { config } = this.#options;
    const found = this.#found;
    const views = found === undefined ? [] : podViews(config.name, found, this.#options.pods());
    const marks = found === undefined ? undefined : readMarks(found);
    const wanted = found?.spec.replicas ?? 0;
    return {
      reconciles: { ...this.#counts },
      written: this.#applier.written,
      pods: {
        wanted,
        present: views.length,
        ready: views.filter(({ ready }) => ready).length,
        updated: views.filter(({ updated }) => updated).length,
      },
      rollout: marks?.rollout?.phase ?? 'None',
      leaving: marks?.leaving === undefined ? 0 : Math.max(0, wanted - marks.leaving.from),
      namespaces: this.#access.namespaces,
    };
  }

  get #found(): StatefulSet | undefined {
    const { namespace, config } = this.#options;
    return this.#caches.sets.get({ namespace, name: config.name });
  }

  async #reconcileSet(load: PlannedLoad, place: Place): Promise<void> {
    const { clock, config, log } = this.#options;
    const now = clock.now();
    const found = this.#found;
    const views = found === undefined ? [] : podViews(config.name, found, this.#options.pods());
    this.#followProgress(views.filter(({ updated, ready }) => updated && ready).length, now);
    if (areAllDown(views)) this.#allDownAt = now;
    const replicas = found?.spec.replicas ?? 0;
    this.#idleSince = isIdle({ replicas, load, config }) ? (this.#idleSince ?? now) : undefined;
    const marks = found === undefined ? undefined : readMarks(found);
    const step = nextWorkload({
      config,
      found,
      pods: this.#options.pods(),
      load,
      errors: await this.#canaryErrors(marks, replicas, now),
      empty: await this.#isEmpty(marks),
      idleSince: this.#idleSince,
      progressAt: this.#progress.at,
      allDownAt: this.#allDownAt,
      now,
    });
    const wanted = statefulSetOf(config, place, step.state);
    const written = await this.#applier.apply(statefulSets, wanted, found);
    if (!written) return;
    for (const { type, reason, message } of step.events) {
      log[type === 'Warning' ? 'error' : 'info'](
        { event: `workload.${reason}`, replicas: step.state.replicas },
        message,
      );
      this.#events.record(found ?? wanted, type, reason, message);
    }
  }

  #followProgress(count: number, now: number): void {
    if (count !== this.#progress.pods) this.#progress = { pods: count, at: now };
  }

  async #canaryErrors(marks: Marks | undefined, replicas: number, now: number) {
    const { rollout } = marks ?? {};
    if (rollout?.phase !== 'Watching') return undefined;
    this.#errors.observe(`${rollout.hash} ${rollout.since}`, await this.#countsOf(this.#options.pods()), now);
    const canary = this.#options.pods().find((pod) => this.#ordinal(pod) === replicas - 1);
    return canary === undefined ? undefined : this.#errors.rates(canary.metadata.uid ?? '', now);
  }

  /** Whether nothing names the pods that leave, and they hold nothing that Redis has not. */
  async #isEmpty(marks: Marks | undefined): Promise<boolean> {
    const { leaving } = marks ?? {};
    if (leaving === undefined) return false;
    const goes = (shard: string | undefined): boolean => {
      const ordinal = shard === undefined ? undefined : ordinalOf(this.#options.config.name, shard);
      return ordinal !== undefined && ordinal >= leaving.from;
    };
    if (this.#options.slices().some(({ spec }) => goes(spec.owner?.shard) || goes(spec.next?.shard))) return false;
    const going = this.#options.pods().filter(({ metadata }) => goes(metadata.name));
    const counts = await this.#countsOf(going);
    return [...counts.values()].every(({ held }) => held === 0);
  }

  async #countsOf(asked: readonly Pod[]): Promise<ReadonlyMap<string, PodCounts>> {
    const counts = new Map<string, PodCounts>();
    const ask = async ({ metadata: { name, uid = '' } }: Pod): Promise<void> => {
      const address = this.#options.addressOf({ shard: name, uid });
      const found = address === undefined ? undefined : await readPodCounts(address);
      if (found !== undefined) counts.set(uid, found);
    };
    await Promise.all(asked.map(ask));
    return counts;
  }

  async #findPlace(): Promise<Place> {
    const { cluster, namespace, config } = this.#options;
    const { ownerDeployment: name } = config;
    if (name === undefined) return { namespace, owner: undefined };
    const { apiVersion, kind, metadata } = await cluster.get<KubeObject>(deployments, { namespace, name });
    return { namespace, owner: { apiVersion, kind, name, uid: metadata.uid ?? '' } };
  }

  #ordinal(pod: Pod): number | undefined {
    return ordinalOf(this.#options.config.name, pod.metadata.name);
  }

  #cache<T extends KubeObject>(resource: Resource, where: ListOptions): Informer<T> {
    const { cluster, clock, log, random } = this.#options;
    return new Informer<T>({ cluster, clock, log, random: random.fork(resource.plural), resource, where });
  }
}

/** Names of the pods of a StatefulSet that are to go. */
function leavingPods(found: StatefulSet | undefined): ReadonlySet<string> {
  const leaving = found === undefined ? undefined : readMarks(found).leaving;
  if (found === undefined || leaving === undefined) return new Set();
  const count = Math.max(0, (found.spec.replicas ?? 1) - leaving.from);
  return new Set(Array.from({ length: count }, (_, index) => `${found.metadata.name}-${leaving.from + index}`));
}

/** The pods of a workload. */
export function shardPods(namespace: string, { name }: ShardsConfig): ListOptions {
  return { namespace, labels: { [shardsLabel]: name } };
}
