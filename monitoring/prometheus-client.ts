import { z } from 'zod';

const sample = z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) });
const vector = z.object({ status: z.literal('success'), data: z.object({ result: z.array(sample) }) });
const matrix = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(z.looseObject({ values: z.array(z.unknown()) })) }),
});
const names = z.object({ data: z.array(z.string()) });
const rules = z.object({
  data: z.object({
    groups: z.array(
      z.looseObject({
        name: z.string(),
        rules: z.array(z.looseObject({ name: z.string(), health: z.string(), lastError: z.string().default('') })),
      }),
    ),
  }),
});
const targets = z.object({
  data: z.object({
    activeTargets: z.array(
      z.looseObject({ scrapePool: z.string(), labels: z.record(z.string(), z.string()), health: z.string() }),
    ),
  }),
});

export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Asks one GET of Prometheus' HTTP API, such as `/api/v1/query?query=up`; answers its JSON. */
export type Get = (path: string) => Promise<unknown>;

/** Prometheus' HTTP API, as far as tests and benchmarks ask it. Rejects with what Prometheus says of a query that is none. */
export class PrometheusClient {
  readonly #get: Get;

  constructor(get: Get) {
    this.#get = get;
  }

  /** Samples of an expression, now. */
  async query(expr: string): Promise<PrometheusSample[]> {
    const { data } = vector.parse(await this.#get(`/api/v1/query?query=${encodeURIComponent(expr)}`));
    return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  }

  /** Number of series of an expression over a range. @param from seconds since the epoch @param step seconds */
  async queryRange(expr: string, from: number, to: number, step: number): Promise<number> {
    const parameters = new URLSearchParams({ query: expr, start: `${from}`, end: `${to}`, step: `${step}` });
    return matrix.parse(await this.#get(`/api/v1/query_range?${parameters}`)).data.result.length;
  }

  /** Names of all metrics that have series. */
  async metricNames(): Promise<string[]> {
    return names.parse(await this.#get('/api/v1/label/__name__/values')).data;
  }

  /** Rules with the last error of each, '' where there was none. */
  async rules() {
    return rules.parse(await this.#get('/api/v1/rules')).data.groups.flatMap(({ rules }) => rules);
  }

  async targets() {
    return targets.parse(await this.#get('/api/v1/targets?state=active')).data.activeTargets;
  }
}

/** A client of a Prometheus at an address. */
export function httpClient(address: string): PrometheusClient {
  return new PrometheusClient(async (path) => {
    const response = await fetch(address + path);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: status ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  });
}
