import type { UserValues } from './helm.testing.ts';

const url = 'redis://redis:6379';
const monitoring = { release: 'kube-prometheus-stack' };
const tolerations = [{ key: 'dedicated', operator: 'Equal', value: 'ticks', effect: 'NoSchedule' }];
const affinity = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['ticks'] }] }],
    },
  },
};
const placed = {
  nodeSelector: { 'kubernetes.io/arch': 'amd64' },
  tolerations,
  affinity,
  spread: [
    { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor' },
    { topologyKey: 'rack', maxSkew: 2 },
  ],
  podAnnotations: { team: 'desk' },
};

/** Values as users of different needs would have them. Each is linted, validated by an API server and compared with a snapshot. */
export const combinations: Readonly<Record<string, UserValues>> = {
  minimal: { redis: { url } },
  trial: { redis: { trial: { enabled: true } } },
  'trial-on-a-claim': {
    redis: {
      trial: { enabled: true, persistence: { enabled: true, size: '1Gi', storageClassName: 'fast' } },
    },
    networkPolicy: { enabled: true, redis: { from: [{ namespaceSelector: { matchLabels: { desk: 'yes' } } }] } },
  },
  'redis-tls': {
    redis: {
      url: 'rediss+cluster://a.example:6380,b.example',
      auth: { secretName: 'redis-login' },
      ca: { secretName: 'redis-ca' },
      clientCertificate: { secretName: 'redis-client' },
      serverName: 'redis.example',
    },
    gateway: { enabled: false },
    networkPolicy: { enabled: true },
  },
  tokens: {
    redis: { url },
    gateway: { tokens: { secretName: 'readers' }, allowOrigins: ['https://desk.example.com'] },
    marketData: { createToken: false, secretName: 'market-data', key: 'tokens' },
  },
  outside: {
    redis: { url },
    gateway: {
      service: { type: 'LoadBalancer', port: 8443, annotations: { tier: 'public' } },
      ingress: { enabled: true, className: 'nginx', host: 'ticks.example.com', tlsSecretName: 'ticks-tls' },
      httpRoute: {
        enabled: true,
        parentRefs: [{ name: 'public', namespace: 'gateways' }],
        hostnames: ['ticks.example.com'],
      },
      autoscaling: { enabled: true },
    },
  },
  monitored: {
    redis: { url },
    metrics: {
      serviceMonitor: { enabled: true, labels: monitoring },
      podMonitor: { enabled: true, labels: monitoring, interval: '30s' },
      prometheusRule: { enabled: true, labels: monitoring },
      dashboards: { enabled: true, annotations: { grafana_folder: 'Ticks' } },
    },
  },
  locked: {
    redis: { url },
    networkPolicy: {
      enabled: true,
      apiServer: { cidrs: ['10.0.0.1/32'], ports: [6443] },
      broker: { cidrs: ['192.0.2.0/24'] },
      redis: { to: [{ podSelector: { matchLabels: { app: 'redis' } } }] },
      readers: [{ namespaceSelector: { matchLabels: { desk: 'yes' } } }],
      metrics: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    },
    priorityClass: { create: true, value: 100_000, preemptionPolicy: 'Never' },
    tracing: { endpoint: 'http://collector.tracing:4318' },
  },
  placed: {
    redis: { url },
    image: { repository: 'registry.example/ticker-operator', digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'registry' }],
    operator: { ...placed, podDisruptionBudget: { enabled: false } },
    shards: {
      ...placed,
      priorityClassName: 'system-cluster-critical',
      spool: { mebibytes: 4096, persistence: { enabled: true } },
    },
    gateway: { ...placed, podDisruptionBudget: { maxUnavailable: 2 } },
    logLevel: 'debug',
  },
  bare: {
    redis: { url },
    crds: { install: false },
    flowControl: { enabled: false },
    marketData: { createToken: false },
    operator: { replicas: 1, spread: [] },
    shards: { min: 1, max: 1_000, instrumentsPerShard: 1_000_000, spread: [] },
    gateway: { replicas: 1, spread: [] },
    test: { set: 'desk/equities', timeoutSeconds: 10 },
  },
};
