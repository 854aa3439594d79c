import type { MetricDefinition } from '../runtime/metrics/definition.ts';

/** One line of a scrape. */
export interface Sample {
  /** As it stands on the line: with `_bucket`, `_sum` or `_count` for a histogram. */
  readonly name: string;
  /** The metric that it belongs to. */
  readonly metric: string;
  /** Without a bucket's `le`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of a scrape in Prometheus' text format. Throws at a line that is none. */
export function parseScrape(text: string): Sample[] {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (parts === null) throw new Error(`no sample: ${line}`);
      const [, name = '', inner = '', value = ''] = parts;
      const { le: _, ...labels } = Object.fromEntries(
        [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]),
      );
      const family = name.replace(/_(bucket|sum|count)$/, '');
      const metric = types.get(family) === 'histogram' ? family : name;
      if (!types.has(metric)) throw new Error(`${metric} has no TYPE`);
      return { name, metric, labels, value: Number(value) };
    });
}

/** Names of a definition's labels, sorted. */
export function labelsOf({ labels }: MetricDefinition): string[] {
  return Object.keys(labels).sort();
}
