import { createHash } from 'node:crypto';
import type { Resource } from '../../cluster/cluster.ts';
import { disruptionBudgets, type StatefulSet, services, statefulSets } from '../../cluster/workload-resources.ts';
import type { KubeObject } from '../../crds/index.ts';
import type { PodTemplate, ShardsConfig } from './config.ts';
import { appliedAnnotation, httpPort, shardsLabel } from './names.ts';

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Where the workload is, and what it goes with. */
export interface Place {
  readonly namespace: string;
  readonly owner: Owner | undefined;
}

/** The headless Service: names of the pods, Ready or not. */
export function serviceOf({ name }: ShardsConfig, place: Place): KubeObject {
  const spec = {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: { [shardsLabel]: name },
    ports: [{ name: 'http', port: httpPort, targetPort: httpPort, protocol: 'TCP' }],
  };
  return stamped({ ...of(services), metadata: metadataOf(name, place), spec });
}

/** One pod at a time: the others must have room to take its slices. */
export function disruptionBudgetOf({ name }: ShardsConfig, place: Place): KubeObject {
  const spec = { maxUnavailable: 1, selector: { matchLabels: { [shardsLabel]: name } } };
  return stamped({ ...of(disruptionBudgets), metadata: metadataOf(name, place), spec });
}

/** What changes of the StatefulSet from step to step. */
export interface StatefulSetState {
  readonly replicas: number;
  readonly partition: number;
  readonly template: PodTemplate;
  readonly annotations: Readonly<Record<string, string>>;
}

export function statefulSetOf(config: ShardsConfig, place: Place, state: StatefulSetState): StatefulSet {
  const { name, volumeClaimTemplates } = config;
  const metadata = metadataOf(name, place);
  const spec = {
    replicas: state.replicas,
    serviceName: name,
    // Pods do not wait for each other: the protocol, not their order, keeps slices apart.
    podManagementPolicy: 'Parallel',
    revisionHistoryLimit: 5,
    selector: { matchLabels: { [shardsLabel]: name } },
    template: labelled(state.template, name),
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: state.partition } },
    ...(volumeClaimTemplates.length === 0 ? {} : { volumeClaimTemplates }),
    // A pod that left has emptied its spool.
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' },
  };
  return stamped<StatefulSet>({ ...of(statefulSets), metadata: { ...metadata, annotations: state.annotations }, spec });
}

/** Hash of anything that JSON can write; the same for the same content in the same order. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** Whether an object, as the API server has it, is what was applied last. */
export function isApplied(wanted: KubeObject, found: KubeObject | undefined): boolean {
  const applied = (object: KubeObject | undefined) => object?.metadata.annotations?.[appliedAnnotation];
  const hash = applied(wanted);
  return hash !== undefined && applied(found) === hash;
}

/** Adds the hash of the whole by which {@link isApplied} knows it. */
export function stamped<T extends KubeObject>(object: T): T {
  const annotations = { ...object.metadata.annotations, [appliedAnnotation]: hashOf(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** What names a kind in its objects. */
function of({ apiVersion, kind }: Resource): Pick<KubeObject, 'apiVersion' | 'kind'> {
  return { apiVersion, kind };
}

function metadataOf(name: string, { namespace, owner }: Place) {
  return {
    name,
    namespace,
    labels: { 'app.kubernetes.io/managed-by': 'ticker-operator', [shardsLabel]: name },
    ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, blockOwnerDeletion: false, controller: false }] }),
  };
}

function labelled(template: PodTemplate, name: string): PodTemplate {
  const { metadata, ...rest } = template;
  return { ...rest, metadata: { ...metadata, labels: { ...metadata?.labels, [shardsLabel]: name } } };
}
