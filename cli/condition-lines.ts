import type { Cluster, Resource } from '../cluster/cluster.ts';
import type { Condition, KubeObject } from '../crds/index.ts';

interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface ConditionLinesOptions {
  readonly cluster: Cluster;
  readonly show: (line: string) => void;
}

/** Shows each change of an object's `Ready` condition as a line, as `kubectl get --watch` would. */
export class ConditionLines {
  readonly #options: ConditionLinesOptions;
  readonly #shown = new Map<string, string>();

  constructor(options: ConditionLinesOptions) {
    this.#options = options;
  }

  async follow(resource: Resource, signal: AbortSignal): Promise<void> {
    const { cluster } = this.#options;
    const { items, resourceVersion } = await cluster.list<WithConditions>(resource);
    for (const object of items) this.#look(object);
    for await (const event of cluster.watch<WithConditions>(resource, { resourceVersion, signal })) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') this.#shown.delete(keyOf(event.object));
      else this.#look(event.object);
    }
  }

  #look(object: WithConditions): void {
    const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready === undefined) return;
    const state = ready.status === 'True' ? 'Ready' : `not ready (${ready.reason})`;
    const line = `${keyOf(object)}: ${state}: ${ready.message}`;
    if (this.#shown.get(keyOf(object)) === line) return;
    this.#shown.set(keyOf(object), line);
    this.#options.show(line);
  }
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind === 'TickerAccount' ? 'account' : 'set'} ${metadata.namespace}/${metadata.name}`;
}
