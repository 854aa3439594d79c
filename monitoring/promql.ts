/** Pieces of PromQL that alerts, recording rules and dashboards share. */

/** 1 while an account has a session: by the word of the operator, which is there without a shard, or of its shard. */
export const accountSession = 'namespace_account:ticker_session_open:max';
/** 1 while any account of a namespace has one. */
export const namespaceSession = 'namespace:ticker_session_open:max';

/** Jobs as the chart's monitors name them. */
export const jobs = 'ticker-(operator|shard|gateway)';

/** What the leading operator says; a standby may remember what was so when it led. */
export function leader(vector: string): string {
  return `(${vector} and on (namespace, instance) ticker_operator_leading == 1)`;
}

/** Sum over the labels that are named. */
export function sumBy(labels: string, vector: string): string {
  return `sum by (${labels}) (${vector})`;
}

export function maxBy(labels: string, vector: string): string {
  return `max by (${labels}) (${vector})`;
}

/** What came to a counter within a window, by labels. */
export function increaseBy(labels: string, counter: string, window: string): string {
  return sumBy(labels, `increase(${counter}[${window}])`);
}

export function rateBy(labels: string, counter: string, window: string): string {
  return sumBy(labels, `rate(${counter}[${window}])`);
}

/** A quantile of a histogram, by labels beside `le`. @param histogram its name with any selector's braces after `_bucket` */
export function quantile(q: number, labels: string, buckets: string, window: string): string {
  const by = ['le', labels].filter((part) => part !== '').join(', ');
  return `histogram_quantile(${q}, ${rateBy(by, buckets, window)})`;
}

/** Names of metrics and recorded series in an expression, in order. */
export function namesIn(expression: string): string[] {
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\{[^}]*\}/g, '{}');
  const names =
    bare.match(/\b(?:slo:ticker|ticker|nodejs|process|namespace)[a-z0-9_]*(?::[a-z0-9_:]+)?(?![a-z0-9_]*\s*\()/g) ?? [];
  return [...new Set(names.filter((name) => name.includes('_') || name === 'up'))];
}

/** Labels that an expression selects or groups by. */
export function labelsIn(expression: string): string[] {
  const selected = [...expression.matchAll(/[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
  const grouped = [...expression.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)];
  return [...new Set([...selected, ...grouped.flatMap(([, list = '']) => list.split(',').map((each) => each.trim()))])]
    .filter((label) => label !== '')
    .sort();
}
