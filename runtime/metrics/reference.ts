import type { Fleet, MetricDefinition } from './definition.ts';
import { seriesOf } from './definition.ts';

/** A part's metrics, under a heading. */
export interface ReferenceSection {
  readonly title: string;
  readonly intro: string;
  readonly metrics: readonly MetricDefinition[];
}

export interface ReferenceFleet {
  readonly title: string;
  readonly fleet: Fleet;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

function labelsText(labels: MetricDefinition['labels']): string {
  return Object.entries(labels)
    .map(([name, bound]) => (typeof bound === 'string' ? `\`${name}\`` : `\`${name}\`: ${bound.join(', ')}`))
    .join('; ');
}

function sectionText({ title, intro, metrics }: ReferenceSection): string {
  const rows = metrics.map(({ name, type, unit, labels, help }) => [
    `\`${name}\``,
    type,
    unit,
    labelsText(labels),
    help,
  ]);
  return `## ${title}\n\n${intro}\n\n${table(['metric', 'type', 'unit', 'labels', 'meaning'], rows)}\n`;
}

function cardinality(sections: readonly ReferenceSection[], fleets: readonly ReferenceFleet[]): string {
  const count = (metrics: readonly MetricDefinition[], fleet: Fleet): number =>
    metrics.reduce((sum, metric) => sum + seriesOf(metric, fleet), 0);
  const rows = sections.map(({ title, metrics }) => [title, ...fleets.map(({ fleet }) => `${count(metrics, fleet)}`)]);
  const all = sections.flatMap(({ metrics }) => metrics);
  const sum = ['**all**', ...fleets.map(({ fleet }) => `**${count(all, fleet)}**`)];
  return table(['series of', ...fleets.map(({ title }) => title)], [...rows, sum]);
}

/** Names of the series of a histogram, for a reader who looks for them. */
const histograms =
  'A histogram `x` is exposed as `x_bucket`, `x_sum` and `x_count`; `histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))` is its P99.';

/** The page, in Markdown. Ends with a newline. */
export function renderMetricsReference(
  intro: string,
  sections: readonly ReferenceSection[],
  fleets: readonly ReferenceFleet[],
): string {
  return `# Metrics\n\n${intro}\n\n${histograms}\n\n${sections.map(sectionText).join('\n')}\n## Cardinality\n\nNo label names an instrument, so the number of series does not grow with instruments. At most, counted from the tables above:\n\n${cardinality(sections, fleets)}\n`;
}
