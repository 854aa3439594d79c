import type { Cluster, Resource } from '../../cluster/cluster.ts';
import { Informer } from '../../cluster/informer.ts';
import { type Role, type RoleBinding, roleBindings, roles } from '../../cluster/workload-resources.ts';
import type { KubeObject, SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { accessOf, secretsByNamespace } from './access.ts';
import { accessLabel } from './names.ts';
import type { WorkloadApplier } from './workload-applier.ts';

export interface AccessControllerOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly applier: WorkloadApplier;
  /** Who is let read. */
  readonly shards: { readonly serviceAccount: string; readonly namespace: string };
}

/** Keeps, in each namespace with accounts, the Role and RoleBinding that let shards read those accounts' Secrets. */
export class AccessController {
  /** To be run, and filled, before {@link reconcile}. */
  readonly caches: { readonly roles: Informer<Role>; readonly bindings: Informer<RoleBinding> };
  readonly #options: AccessControllerOptions;

  constructor(options: AccessControllerOptions) {
    this.#options = options;
    this.caches = { roles: this.#cache<Role>(roles), bindings: this.#cache<RoleBinding>(roleBindings) };
  }

  /** Namespaces with such a Role. */
  get namespaces(): number {
    return this.caches.roles.list().length;
  }

  async reconcile(accounts: readonly TickerAccount[], slices: readonly SubscriptionSlice[]): Promise<void> {
    const { applier, shards } = this.#options;
    const wanted = secretsByNamespace(accounts, slices);
    for (const [namespace, names] of wanted) {
      const { role, binding } = accessOf(namespace, names, shards);
      const named = { namespace, name: role.metadata.name };
      await applier.apply(roles, role, this.caches.roles.get(named));
      await applier.apply(roleBindings, binding, this.caches.bindings.get(named));
    }
    const unneeded = ({ metadata }: KubeObject): boolean => !wanted.has(metadata.namespace ?? '');
    for (const binding of this.caches.bindings.list().filter(unneeded)) await this.#remove(roleBindings, binding);
    for (const role of this.caches.roles.list().filter(unneeded)) await this.#remove(roles, role);
  }

  async #remove(resource: Resource, found: KubeObject): Promise<void> {
    try {
      await this.#options.applier.remove(resource, found);
    } catch (error) {
      if (!hasCode(error, 'CLUSTER_NOT_FOUND')) throw error;
    }
  }

  #cache<T extends KubeObject>(resource: Resource): Informer<T> {
    const { cluster, clock, log, random } = this.#options;
    const where = { labels: { [accessLabel]: 'secrets' } };
    return new Informer<T>({ cluster, clock, log, random: random.fork(resource.plural), resource, where });
  }
}
