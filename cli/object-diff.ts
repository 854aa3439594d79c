/** The most changes that are listed for one object; the rest is counted. */
const mostListed = 12;

/**
 * What changed between two values, one short line each: `spec.mode: quote → full`, `spec.instruments: + NSE:WIPRO`.
 * Lists of plain values are compared as sets, other lists by position.
 */
export function describeChanges(before: unknown, after: unknown): string[] {
  const changes: string[] = [];
  compare('', before, after, changes);
  if (changes.length <= mostListed) return changes;
  return [...changes.slice(0, mostListed), `and ${changes.length - mostListed} more changes`];
}

function compare(path: string, before: unknown, after: unknown, changes: string[]): void {
  if (Object.is(before, after)) return;
  if (isPlainList(before) && isPlainList(after)) {
    const added = after.filter((item) => !before.includes(item)).map((item) => `+ ${item}`);
    const removed = before.filter((item) => !after.includes(item)).map((item) => `- ${item}`);
    for (const line of [...added, ...removed]) changes.push(`${path}: ${line}`);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const longer = Math.max(before.length, after.length);
    for (let i = 0; i < longer; i++) compare(`${path}[${i}]`, before[i], after[i], changes);
    return;
  }
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(path === '' ? key : `${path}.${key}`, before[key], after[key], changes);
    }
    return;
  }
  if (before === undefined) changes.push(`${path}: + ${show(after)}`);
  else if (after === undefined) changes.push(`${path}: - ${show(before)}`);
  else changes.push(`${path}: ${show(before)} → ${show(after)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlainList(value: unknown): value is (string | number | boolean)[] {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object');
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
