import { apiVersion } from '../crds/group.ts';
import type { KubeObject } from '../crds/index.ts';
import type { Resource } from './cluster.ts';

export const tickerAccounts: Resource = {
  apiVersion,
  kind: 'TickerAccount',
  plural: 'tickeraccounts',
  namespaced: true,
};
export const instrumentSets: Resource = {
  apiVersion,
  kind: 'InstrumentSet',
  plural: 'instrumentsets',
  namespaced: true,
};
export const subscriptionSlices: Resource = {
  apiVersion,
  kind: 'SubscriptionSlice',
  plural: 'subscriptionslices',
  namespaced: true,
};
export const secrets: Resource = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const events: Resource = { apiVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true };
export const leases: Resource = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export const pods: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

export const resources: readonly Resource[] = [
  tickerAccounts,
  instrumentSets,
  subscriptionSlices,
  secrets,
  events,
  leases,
  pods,
];

/** v1.Secret: values of `data` are base64. */
export interface Secret extends KubeObject {
  kind: 'Secret';
  type?: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** coordination.k8s.io/v1.Lease. Times are RFC 3339 with microseconds. */
export interface Lease extends KubeObject {
  kind: 'Lease';
  spec: {
    /** For a shard's lease: `<shard>/<pod UID>`. */
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/** v1.Pod, as much of it as is read. */
export interface Pod extends KubeObject {
  kind: 'Pod';
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    conditions?: { type: string; status: 'True' | 'False' | 'Unknown' }[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  state?: { waiting?: { reason?: string }; running?: object; terminated?: { exitCode: number } };
}

/** v1.Event, as much of it as is written. */
export interface Event extends KubeObject {
  kind: 'Event';
  involvedObject: { apiVersion: string; kind: string; namespace?: string; name: string; uid?: string };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
}

/** Label that a shard's lease carries; its value is the shard's name. */
export const shardLabel = 'ticker-operator.io/shard';
/** Annotation of a shard's lease, `true` while the shard drains and wants its slices taken over. */
export const drainingAnnotation = 'ticker-operator.io/draining';
/** Annotation of a shard's lease: `HOST:PORT` at which the shard serves market data to the operator. */
export const marketDataAnnotation = 'ticker-operator.io/market-data';
