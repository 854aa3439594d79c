import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LabelsOf, MetricDefinition } from './definition.ts';

/** A counter or gauge whose values are read from their source at each scrape, so that whoever counts pays nothing. */
export interface Pulled<D extends MetricDefinition> {
  /** Adds to the series of these labels. Call it from a collector; sources that share labels add up. */
  add(labels: LabelsOf<D>, value: number): void;
}

/** A histogram; observe once a batch or call, not once a tick. */
export interface Observed<D extends MetricDefinition> {
  observe(labels: LabelsOf<D>, value: number): void;
  /** Shows the series, at zero, before anything was observed: a rate needs a start. */
  start(labels: LabelsOf<D>): void;
}

export type PulledTable<T extends Readonly<Record<string, MetricDefinition>>> = {
  readonly [K in keyof T]: Pulled<T[K]>;
};

interface Known {
  readonly definition: MetricDefinition;
  readonly metric: Counter | Gauge | Histogram;
}

/**
 * The metrics of one process, in a registry of their own. Parts define what they expose and register collectors, which
 * read counters that are kept anyway; nothing is computed between scrapes.
 *
 * @example
 * const ticks = metrics.pulled({ name: 'ticker_ticks_received_total', type: 'counter', … });
 * metrics.collect(() => ticks.add({ shard: 'ticker-0' }, pipeline.counters.received));
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #known = new Map<string, Known>();
  readonly #pulled = new Set<Counter | Gauge>();
  readonly #collectors = new Set<() => void>();
  #scraping: Promise<string> | undefined;

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The counter or gauge of a definition; the same for everybody who asks. @throws where the name is another's */
  pulled<D extends MetricDefinition>(definition: D): Pulled<D> {
    const metric = this.#find(definition, () => {
      const options = this.#options(definition);
      const made = definition.type === 'counter' ? new Counter(options) : new Gauge(options);
      this.#pulled.add(made);
      return made;
    });
    if (metric instanceof Histogram) throw new TypeError(`${definition.name} is a histogram`);
    return {
      add: (labels, value) => metric.inc(labels, value),
    };
  }

  /** {@link pulled} for each definition of a table. */
  pulledAll<T extends Readonly<Record<string, MetricDefinition>>>(table: T): PulledTable<T> {
    const all = Object.entries(table).map(([key, definition]) => [key, this.pulled(definition)] as const);
    return Object.fromEntries(all) as PulledTable<T>;
  }

  /** The histogram of a definition; the same for everybody who asks. @throws where the name is another's */
  histogram<D extends MetricDefinition>(definition: D): Observed<D> {
    const metric = this.#find(definition, () => {
      return new Histogram({ ...this.#options(definition), buckets: [...(definition.buckets ?? [])] });
    });
    if (!(metric instanceof Histogram)) throw new TypeError(`${definition.name} is no histogram`);
    return { observe: (labels, value) => metric.observe(labels, value), start: (labels) => metric.zero(labels) };
  }

  /** Calls `collect` at each scrape, from now on. Returns how to end it. */
  collect(collect: () => void): () => void {
    this.#collectors.add(collect);
    return () => this.#collectors.delete(collect);
  }

  /** Everything in Prometheus' text format. Scrapes that overlap share one. Rejects where a collector throws. */
  scrape(): Promise<string> {
    this.#scraping ??= this.#scrape().finally(() => {
      this.#scraping = undefined;
    });
    return this.#scraping;
  }

  async #scrape(): Promise<string> {
    for (const metric of this.#pulled) {
      metric.reset();
      // Resetting leaves a 0 where there are no labels, which nobody has said.
      metric.remove({});
    }
    for (const collect of this.#collectors) collect();
    return await this.registry.metrics();
  }

  #options({ name, help, labels }: MetricDefinition) {
    return { name, help, labelNames: Object.keys(labels), registers: [this.registry] };
  }

  #find(definition: MetricDefinition, make: () => Known['metric']): Known['metric'] {
    const known = this.#known.get(definition.name);
    if (known === undefined) {
      const metric = make();
      this.#known.set(definition.name, { definition, metric });
      return metric;
    }
    if (known.definition !== definition) throw new Error(`metric ${definition.name} is defined twice`);
    return known.metric;
  }
}
