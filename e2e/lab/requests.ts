export interface Count {
  readonly verb: string;
  /** `resource` or `resource/subresource`. */
  readonly resource: string;
  readonly count: number;
}
export type Counts = readonly Count[];

/** `apiserver_request_total` of the API server's metrics, by verb and resource. */
export function parseRequests(metrics: string): Counts {
  const counts = new Map<string, Count>();
  for (const line of metrics.split('\n')) {
    const [, labels = '', value] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
    const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    const resource = [label('resource'), label('subresource')].filter((part) => part !== '').join('/');
    if (value === undefined) continue;
    const verb = label('verb');
    const key = `${verb} ${resource}`;
    counts.set(key, { verb, resource, count: (counts.get(key)?.count ?? 0) + Number(value) });
  }
  return [...counts.values()];
}

/** What was counted since, the most frequent first. */
export function difference(now: Counts, before: Counts): Counts {
  const were = new Map(before.map(({ verb, resource, count }) => [`${verb} ${resource}`, count]));
  return now
    .map((each) => ({ ...each, count: each.count - (were.get(`${each.verb} ${each.resource}`) ?? 0) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

/** Requests that change something, leases apart. */
export function writes(counts: Counts): Counts {
  return counts.filter(({ verb, resource }) => /^(POST|PUT|PATCH|APPLY|DELETE.*)$/.test(verb) && resource !== 'leases');
}

export function total(counts: Counts): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
