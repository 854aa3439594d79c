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
