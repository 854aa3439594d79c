import type { Cluster, Resource } from '../cluster/cluster.ts';
import type { Condition, KubeObject } from '../crds/index.ts';
import type { Clock, Timer } from '../runtime/clock.ts';

interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Milliseconds that an object must stay not ready before that is shown: on its way to ready it passes through many reasons. */
const settled = 3000;

export interface ConditionLinesOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly show: (line: string) => void;
}

/** Shows each change of an object's `Ready` condition as a line, as `kubectl get --watch` would. */
export class ConditionLines {
  readonly #options: ConditionLinesOptions;
  readonly #shown = new Map<string, string>();
  readonly #waiting = new Map<string, Timer>();

  constructor(options: ConditionLinesOptions) {
    this.#options = options;
  }

  async follow(resource: Resource, signal: AbortSignal): Promise<void> {
    const { cluster } = this.#options;
    const { items, resourceVersion } = await cluster.list<WithConditions>(resource);
    for (const object of items) this.#look(object);
    for await (const event of cluster.watch<WithConditions>(resource, { resourceVersion, signal })) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') this.#forget(keyOf(event.object));
      else this.#look(event.object);
    }
  }

  #look(object: WithConditions): void {
    const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready === undefined) return;
    const key = keyOf(object);
    this.#waiting.get(key)?.cancel();
    this.#waiting.delete(key);
    if (ready.status === 'True') this.#show(key, `${key}: Ready: ${ready.message}`);
    else {
      const line = `${key}: not ready (${ready.reason}): ${ready.message}`;
      const timer = this.#options.clock.setTimer(settled, () => this.#show(key, line), { background: true });
      this.#waiting.set(key, timer);
    }
  }

  #show(key: string, line: string): void {
    if (this.#shown.get(key) === line) return;
    this.#shown.set(key, line);
    this.#options.show(line);
  }

  #forget(key: string): void {
    this.#shown.delete(key);
    this.#waiting.get(key)?.cancel();
    this.#waiting.delete(key);
  }
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind === 'TickerAccount' ? 'account' : 'set'} ${metadata.namespace}/${metadata.name}`;
}
