import type { KubeObject } from '../crds/index.ts';
import type { Resource } from './cluster.ts';
import type { Pod } from './resources.ts';

/** Built-in kinds that the operator runs its shards with, and as much of them as it reads. */

const namespaced = true;
const rbac = 'rbac.authorization.k8s.io/v1';

export const statefulSets: Resource = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  namespaced,
};
export const deployments: Resource = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced };
export const services: Resource = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced };
export const disruptionBudgets: Resource = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced,
};
export const roles: Resource = { apiVersion: rbac, kind: 'Role', plural: 'roles', namespaced };
export const roleBindings: Resource = { apiVersion: rbac, kind: 'RoleBinding', plural: 'rolebindings', namespaced };

/** apps/v1.StatefulSet */
export interface StatefulSet extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly template?: unknown;
    readonly updateStrategy?: { readonly rollingUpdate?: { readonly partition?: number } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

/** rbac.authorization.k8s.io/v1.Role */
export interface Role extends KubeObject {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** rbac.authorization.k8s.io/v1.RoleBinding */
export interface RoleBinding extends KubeObject {
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

/** A pod's condition `Ready`. */
export function podReady({ status }: Pod): boolean {
  return status?.conditions?.some((it) => it.type === 'Ready' && it.status === 'True') ?? false;
}
