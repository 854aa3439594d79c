/** Runs `work` again and again for at least `milliseconds`; returns CPU nanoseconds of this process for each of its items. */
export function cpuPerItem(milliseconds: number, work: () => number): number {
  let items = 0;
  const before = process.cpuUsage();
  const end = performance.now() + milliseconds;
  do items += work();
  while (performance.now() < end);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / items;
}

/** Numbers of which percentiles are asked. */
export class Samples {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
  }

  clear(): void {
    this.#values.length = 0;
  }

  /** All 0 where there are no samples. */
  percentiles(): { readonly p50: number; readonly p99: number; readonly p999: number } {
    const sorted = Float64Array.from(this.#values).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  }
}
