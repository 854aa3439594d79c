import { z } from 'zod';
import { cidr, duration, objectName, peers, port, secretKey, strings, text, value } from './nodes.ts';

export const crds = z
  .strictObject({
    install: value(z.boolean().default(true), 'Install and upgrade them with the release.'),
    keep: value(z.boolean().default(true), 'They, and with them every account and set, survive `helm uninstall`.'),
  })
  .prefault({});

export const marketData = z
  .strictObject({
    createToken: value(
      z.boolean().default(true),
      'Make the Secret, once, with a random token. Where charts are only rendered (`helm template`), name one instead.',
    ),
    secretName: value(objectName.default(''), 'A Secret that exists.'),
    key: value(secretKey.default('token'), 'Its key with the tokens, one a line: all are good, the first is sent.'),
  })
  .prefault({});

export const priorityClass = z
  .strictObject({
    create: value(z.boolean().default(false), 'Make one, of the name of the release, and use it.'),
    value: value(
      z.int().min(-1_000_000_000).max(1_000_000_000).default(1_000_000),
      'The higher, the later a pod has to go.',
    ),
    preemptionPolicy: value(
      z.enum(['PreemptLowerPriority', 'Never']).default('PreemptLowerPriority'),
      'Whether pods of lower priority are evicted to make room.',
    ),
  })
  .prefault({});

export const flowControl = z
  .strictObject({
    enabled: value(z.boolean().default(true), 'Make a FlowSchema and a PriorityLevelConfiguration.'),
    concurrencyShares: value(
      z.int().min(1).max(1000).default(10),
      "Share of the API server's requests at once that leases have; unused, most of it is lent.",
    ),
  })
  .prefault({});

export const tracing = z
  .strictObject({
    endpoint: value(
      text(/^(https?:\/\/\S+)?$/, 'is no URL: write e.g. http://collector.tracing:4318').default(''),
      'Where OTLP over HTTP is taken, e.g. http://collector.tracing:4318; no traces where empty.',
    ),
    batchesPerTrace: value(z.int().min(1).max(1_000_000_000).default(1000), 'One batch of so many is traced.'),
  })
  .prefault({});

export const networkPolicy = z
  .strictObject({
    enabled: value(z.boolean().default(false), 'Refuse all traffic of the pods but what is named here, and DNS.'),
    apiServer: value(
      z
        .strictObject({
          cidrs: value(z.array(cidr).default(['0.0.0.0/0', '::/0']), 'Its addresses.'),
          ports: value(z.array(port).default([443, 6443]), 'Its ports, of the Service and of the servers behind it.'),
        })
        .prefault({}),
      'From operator and shards to the API server.',
    ),
    broker: value(
      z
        .strictObject({
          cidrs: value(z.array(cidr).default(['0.0.0.0/0', '::/0']), 'Addresses of the brokers.'),
          ports: value(z.array(port).default([443]), 'Ports of HTTPS and WebSocket.'),
        })
        .prefault({}),
      'From shards to brokers.',
    ),
    redis: value(
      z
        .strictObject({
          to: value(peers.default([]), 'Where Redis is (NetworkPolicyPeers); anywhere where empty.'),
          ports: value(z.array(port).default([]), 'Ports of Redis; those of `redis.url` where empty.'),
          from: value(peers.default([]), 'Who else may read from the Redis of `redis.trial`.'),
        })
        .prefault({}),
      'From shards and gateways to Redis.',
    ),
    collector: value(
      z
        .strictObject({
          to: value(peers.default([]), 'Where the collector is (NetworkPolicyPeers); anywhere where empty.'),
          ports: value(z.array(port).default([4318]), 'Its ports.'),
        })
        .prefault({}),
      'From operator and shards to the collector of `tracing.endpoint`, where there is one.',
    ),
    readers: value(peers.default([]), 'Who may read from gateways (NetworkPolicyPeers); anybody where empty.'),
    metrics: value(
      peers.default([{ namespaceSelector: {} }]),
      'Who may read metrics: by default all pods of the cluster.',
    ),
  })
  .prefault({});

const monitor = (what: string) =>
  value(
    z
      .strictObject({
        enabled: value(z.boolean().default(false), 'Make it; the definitions of prometheus-operator must be there.'),
        labels: value(
          strings().default({}),
          'Labels that the Prometheus of the cluster selects by, e.g. release: kube-prometheus-stack',
        ),
        interval: value(duration.default('15s'), 'Time between scrapes.'),
        scrapeTimeout: value(duration.default('10s'), 'Time that a scrape may take; not more than the interval.'),
      })
      .prefault({}),
    what,
  );

export const metrics = z
  .strictObject({
    serviceMonitor: monitor('Scrapes operator and gateway, as the jobs ticker-operator and ticker-gateway.'),
    podMonitor: monitor('Scrapes the ticker pods, as the job ticker-shard.'),
    prometheusRule: value(
      z
        .strictObject({
          enabled: value(
            z.boolean().default(false),
            'Make them; the definitions of prometheus-operator must be there.',
          ),
          labels: value(strings().default({}), 'Labels that the Prometheus of the cluster selects by.'),
        })
        .prefault({}),
      'Alerts and recording rules.',
    ),
    dashboards: value(
      z
        .strictObject({
          enabled: value(z.boolean().default(false), 'Make a ConfigMap for each.'),
          labels: value(
            strings().default({ grafana_dashboard: '1' }),
            "Labels that Grafana's sidecar finds dashboards by.",
          ),
          annotations: value(strings().default({}), 'E.g. grafana_folder: Ticks'),
        })
        .prefault({}),
      'Dashboards of Grafana.',
    ),
  })
  .prefault({});

export const test = z
  .strictObject({
    set: value(
      text(/^([-a-z0-9.]+\/[-a-z0-9.]+)?$/, 'is no set: write NAMESPACE/NAME, such as desk/equities').default(''),
      'NAMESPACE/NAME of the InstrumentSet to wait for; any set where empty.',
    ),
    timeoutSeconds: value(z.int().min(1).max(3600).default(60), 'How long it waits for a tick.'),
  })
  .prefault({});
