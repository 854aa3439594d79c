import { z } from 'zod';
import { crds, flowControl, marketData, metrics, networkPolicy, priorityClass, test, tracing } from './cluster.ts';
import { gateway, operator, shards } from './components.ts';
import { text, value } from './nodes.ts';
import { redis } from './redis.ts';

const image = z
  .strictObject({
    repository: value(z.string().min(1).default('ticker-operator'), 'Without a tag.'),
    tag: value(z.string().default(''), "The chart's appVersion where empty."),
    digest: value(
      text(/^(sha256:[0-9a-f]{64})?$/, 'is no digest: write sha256: and 64 hexadecimal digits').default(''),
      'Taken instead of the tag where given: sha256:…',
    ),
    pullPolicy: value(z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'), 'When nodes pull it.'),
  })
  .prefault({});

/**
 * Every value of the chart. values.yaml, values.schema.json, the README of the chart and the templates' checks of
 * patterns are generated from it.
 */
export const valuesSchema = z.strictObject({
  redis: value(redis, 'Where the ticks go. Without it no shard and no gateway can run.'),
  image: value(image, 'One image for operator, shards, gateway and test.'),
  imagePullSecrets: value(
    z.array(z.strictObject({ name: z.string().min(1) })).default([]),
    'Secrets to pull images with.',
  ),
  crds: value(crds, 'The definitions of TickerAccount, InstrumentSet and SubscriptionSlice.'),
  logLevel: value(
    z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
    'What is logged at least. A changed level restarts nothing.',
  ),
  operator: value(operator, 'Decides which account and which pod streams what.'),
  shards: value(shards, 'The ticker pods, which the operator runs as a StatefulSet and sizes between these bounds.'),
  marketData: value(marketData, 'The token by which shards let the operator read instruments and prices.'),
  gateway: value(gateway, 'Serves any set whole over WebSocket, from any replica.'),
  priorityClass: value(priorityClass, 'A PriorityClass for all pods that name none.'),
  flowControl: value(flowControl, 'Keeps leases from being throttled behind other requests at the API server.'),
  networkPolicy: value(networkPolicy, 'NetworkPolicies.'),
  metrics: value(metrics, 'For prometheus-operator and Grafana.'),
  tracing: value(tracing, 'OpenTelemetry traces of reconciles and of sampled batches.'),
  test: value(test, 'What `helm test` does: it waits for a tick.'),
});

export type Values = z.infer<typeof valuesSchema>;
