import { z } from 'zod';
import {
  disruptionBudget,
  objectName,
  placement,
  podAnnotations,
  port,
  resources,
  secretKey,
  spread,
  strings,
  text,
  toleration,
  value,
} from './nodes.ts';

/** A lost node: nothing is kept in the operator's pods, so waiting for it gains nothing. */
const soon = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }) as const;

/** Replicas of a Deployment: those of its newest template, over the nodes that would take one. */
const replicasApart = (whenUnsatisfiable: 'ScheduleAnyway' | 'DoNotSchedule') => [
  {
    topologyKey: 'kubernetes.io/hostname',
    maxSkew: 1,
    whenUnsatisfiable,
    nodeTaintsPolicy: 'Honor' as const,
    matchLabelKeys: ['pod-template-hash'],
  },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' as const },
];

export const operator = z
  .strictObject({
    replicas: value(z.int().min(0).max(5).default(2), 'One leads, the others stand by with warm caches.'),
    resources: resources({ cpu: '50m', memory: '128Mi' }, { memory: '512Mi' }),
    podAnnotations,
    podDisruptionBudget: disruptionBudget,
    ...placement,
    tolerations: value(
      z.array(toleration).default([soon('node.kubernetes.io/unreachable'), soon('node.kubernetes.io/not-ready')]),
      'Taints that the pods tolerate. By default a replica is replaced 30 s after its node is found lost, not 300 s.',
    ),
    spread: value(
      z.array(spread).default(replicasApart('DoNotSchedule')),
      'How the pods are kept apart; their selector is added. By default no two replicas are placed on one node while another node that would take one has none.',
    ),
  })
  .prefault({});

const seconds = (least: number, most: number) => z.int().min(least).max(most);

const rollout = z
  .strictObject({
    readySeconds: value(seconds(1, 3600).default(300), 'How long an updated pod may take to be Ready.'),
    watchSeconds: value(
      seconds(0, 3600).default(60),
      'How long the first updated pod is watched before the others follow.',
    ),
    errorsPerMinute: value(
      z.number().min(0).max(1_000_000).default(6),
      'Errors that it may log a minute beyond three times what the others log.',
    ),
  })
  .prefault({});

const spool = z
  .strictObject({
    mebibytes: value(
      z.int().min(16).max(1_048_576).default(1024),
      'What it may take; past it the oldest is dropped and counted.',
    ),
    persistence: value(
      z
        .strictObject({
          enabled: value(
            z.boolean().default(false),
            'On a claim it survives the pod; else a restart of the container only. It cannot be changed while the StatefulSet is there.',
          ),
          storageClassName: value(objectName.default(''), "The cluster's default where empty."),
        })
        .prefault({}),
      'Where the spool lies.',
    ),
  })
  .prefault({});

export const shards = z
  .strictObject({
    min: value(z.int().min(1).max(1000).default(2), 'Pods at least.'),
    max: value(z.int().min(1).max(1000).default(8), 'Pods at most.'),
    instrumentsPerShard: value(
      z.int().min(1).max(1_000_000).default(9000),
      'Planned load: instruments that one pod should stream at most. An account lies whole in one.',
    ),
    accountsPerShard: value(
      z.int().min(1).max(1000).default(10),
      'Planned load: accounts that one pod should serve at most.',
    ),
    scaleDownAfterSeconds: value(
      seconds(0, 86_400).default(600),
      'How long fewer pods must have been enough before the last one leaves.',
    ),
    leaveSeconds: value(seconds(1, 86_400).default(600), 'How long a pod that leaves may take to hand over.'),
    rollout: value(
      rollout,
      'A changed template goes to the last pod first, which is watched before the others follow.',
    ),
    handoverSeconds: value(
      seconds(0, 3600).default(30),
      'How long a pod that ends streams on until others have taken over.',
    ),
    spool: value(spool, 'What a pod keeps of the ticks that Redis does not take.'),
    resources: resources({ cpu: '250m', memory: '256Mi' }, { memory: '1Gi' }),
    podAnnotations,
    ...placement,
  })
  .prefault({});

const tokenFile = z
  .strictObject({
    secretName: value(objectName.default(''), 'The Secret; every reader is served where empty.'),
    key: value(secretKey.default('tokens'), 'Its key with the tokens, one a line.'),
  })
  .prefault({});

const host = text(
  /^((\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$/,
  'is no host: write a name in lower case, such as ticks.example.com',
);

const service = z
  .strictObject({
    type: value(z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP'), 'Type of the Service.'),
    port: value(port.default(80), 'Port of the Service.'),
    annotations: value(strings().default({}), 'Annotations of the Service.'),
  })
  .prefault({});

const ingress = z
  .strictObject({
    enabled: value(z.boolean().default(false), 'Make an Ingress.'),
    className: value(objectName.default(''), "The cluster's default class where empty."),
    host: value(host.default(''), 'Host that readers ask for. Required.'),
    tlsSecretName: value(objectName.default(''), 'Secret with its certificate; no TLS where empty.'),
    annotations: value(
      strings().default({}),
      'What the controller needs to let WebSockets live, e.g. nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"',
    ),
  })
  .prefault({});

const parent = z.strictObject({
  name: z.string().min(1),
  namespace: z.string().optional(),
  sectionName: z.string().optional(),
  port: port.optional(),
});

const httpRoute = z
  .strictObject({
    enabled: value(z.boolean().default(false), 'Make an HTTPRoute.'),
    parentRefs: value(z.array(parent).default([]), 'Gateways of the Gateway API that it is for. Required.'),
    hostnames: value(z.array(host).default([]), 'Hosts that readers ask for; all of the listener where empty.'),
    annotations: value(strings().default({}), 'Annotations of the HTTPRoute.'),
  })
  .prefault({});

const autoscaling = z
  .strictObject({
    enabled: value(z.boolean().default(false), 'Let a HorizontalPodAutoscaler set the replicas.'),
    minReplicas: value(z.int().min(1).max(100).default(2), 'Pods at least.'),
    maxReplicas: value(z.int().min(1).max(100).default(10), 'Pods at most.'),
    targetCPUUtilization: value(z.int().min(1).max(100).default(70), 'Percent of the requested CPU that is aimed at.'),
  })
  .prefault({});

export const gateway = z
  .strictObject({
    enabled: value(z.boolean().default(true), 'Serve readers over WebSocket.'),
    replicas: value(z.int().min(0).max(100).default(2), 'Any number serve beside each other.'),
    autoscaling: value(autoscaling, 'More replicas under load.'),
    maxClients: value(z.int().min(1).max(100_000).default(256), 'Streams open at once at one pod.'),
    tokens: value(
      tokenFile,
      "A Secret of the release's namespace with the bearer tokens of readers. It is read anew each minute.",
    ),
    allowOrigins: value(
      z
        .array(text(/^https?:\/\/[^/]+$/, 'is no origin: write SCHEME://HOST, such as https://desk.example.com'))
        .default([]),
      'Origins of pages elsewhere that may read, e.g. https://desk.example.com',
    ),
    service: value(service, 'Where readers find it in the cluster.'),
    ingress: value(ingress, 'For readers outside of the cluster.'),
    httpRoute: value(httpRoute, 'For readers outside of the cluster, by the Gateway API.'),
    resources: resources({ cpu: '50m', memory: '128Mi' }, { memory: '512Mi' }),
    podAnnotations,
    podDisruptionBudget: disruptionBudget,
    ...placement,
    spread: value(
      z.array(spread).default(replicasApart('ScheduleAnyway')),
      'How the pods are kept apart; their selector is added.',
    ),
  })
  .prefault({});
