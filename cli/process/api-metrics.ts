import type { RequestReport } from '../../cluster/kubernetes/index.ts';
import type { MetricDefinition } from '../../runtime/metrics/definition.ts';
import type { Metrics, Observed } from '../../runtime/metrics/metrics.ts';

const resources = [
  ...['tickeraccounts', 'instrumentsets', 'subscriptionslices', 'secrets', 'events', 'leases', 'pods', 'services'],
  ...['statefulsets', 'deployments', 'poddisruptionbudgets', 'roles', 'rolebindings'],
];
const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** What a process asks of the API server. */
export const apiMetrics = {
  requests: {
    name: 'ticker_api_requests_total',
    type: 'counter',
    help: 'Requests to the API server by verb, kind and class of the answer; `none` where there was no answer. While nothing changes, only leases are written.',
    unit: 'requests',
    labels: { verb: verbs, resource: resources, status: ['2xx', '4xx', '5xx', 'none'] },
  },
  duration: {
    name: 'ticker_api_request_duration_seconds',
    type: 'histogram',
    help: 'From asking to the whole answer; of a watch, to its begin.',
    unit: 'seconds',
    labels: { verb: verbs },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
} as const satisfies Record<string, MetricDefinition>;

/** Counts requests for metrics; what {@link import('./connect.ts').ConnectOptions} takes as `onRequest`. */
export class ApiRequests {
  readonly #counts = new Map<string, { readonly report: RequestReport; count: number }>();
  readonly #duration: Observed<typeof apiMetrics.duration>;

  constructor(metrics: Metrics) {
    this.#duration = metrics.histogram(apiMetrics.duration);
    const requests = metrics.pulled(apiMetrics.requests);
    metrics.collect(() => {
      for (const { report, count } of this.#counts.values()) {
        const { verb, resource, status } = report;
        requests.add({ verb, resource, status: status === 0 ? 'none' : `${Math.floor(status / 100)}xx` }, count);
      }
    });
  }

  readonly record = (report: RequestReport): void => {
    const key = `${report.verb} ${report.resource} ${report.status}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { report, count: 1 });
    else known.count++;
    this.#duration.observe({ verb: report.verb }, report.duration / 1000);
  };
}
