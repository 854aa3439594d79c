/** A dashboard as data: what is shown and asked, without how Grafana writes it. */

export interface Query {
  readonly expr: string;
  /** What a series is called, e.g. `{{account}}`. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  /** What it shows and what to expect; the tooltip of the panel. */
  readonly description: string;
  /** stat: the newest value; graph: over time; timeline: states over time. */
  readonly kind: 'stat' | 'graph' | 'timeline';
  /** Grafana's name of a unit: s, bytes, percentunit, short, `suffix: ticks/s`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Values from which on it is yellow and red; `down`: below which. */
  readonly thresholds?: { readonly yellow?: number; readonly red: number; readonly down?: true };
  /** The alert whose section of the runbook it links to. */
  readonly alert?: string;
  /** What stands there where no series is, because the first event makes it. */
  readonly noValue?: string;
  /** Columns of 24. */
  readonly span?: number;
  /** Largest value of the axis. */
  readonly max?: number;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Beside the data source and the namespace. */
  readonly variables: readonly ('account' | 'shard')[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

/** Ticks, batches or others a second. */
export const perSecond = (what: string): string => `suffix: ${what}/s`;

const inNamespace = 'namespace=~"$namespace"';

/** A metric of the namespaces that are chosen; with what else is asked of its labels. */
export function metric(name: string, ...selectors: readonly string[]): string {
  return `${name}{${[inNamespace, ...selectors].join(', ')}}`;
}

/** By the interval that the width of a panel asks for. */
export function rate(name: string, ...selectors: readonly string[]): string {
  return `rate(${metric(name, ...selectors)}[$__rate_interval])`;
}

export function p(quantile: number, labels: string, histogram: string, ...selectors: readonly string[]): string {
  const by = ['le', labels].filter((part) => part !== '').join(', ');
  return `histogram_quantile(${quantile}, sum by (${by}) (${rate(`${histogram}_bucket`, ...selectors)}))`;
}
