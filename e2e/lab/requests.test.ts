import { expect, it } from 'vitest';
import { difference, parseRequests, total, writes } from './requests.ts';

const metrics = (leases: number, slices: number): string => `
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} ${leases}
apiserver_request_total{code="409",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 1
apiserver_request_total{code="200",resource="subscriptionslices",subresource="status",verb="APPLY",version="v1alpha1"} ${slices}
apiserver_request_total{code="200",resource="subscriptionslices",subresource="",verb="LIST",version="v1alpha1"} 3
apiserver_request_duration_seconds_count{resource="pods",verb="PUT"} 9`;

it('counts requests of an API server by verb and resource, and what changed something', () => {
  const before = parseRequests(metrics(10, 0));
  expect(total(before)).toBe(14);
  const counts = difference(parseRequests(metrics(60, 2)), before);
  expect(counts).toEqual([
    { verb: 'PUT', resource: 'leases', count: 50 },
    { verb: 'APPLY', resource: 'subscriptionslices/status', count: 2 },
  ]);
  expect(writes(counts)).toEqual([{ verb: 'APPLY', resource: 'subscriptionslices/status', count: 2 }]);
});
