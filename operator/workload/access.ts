import { type Role, type RoleBinding, roleBindings, roles } from '../../cluster/workload-resources.ts';
import type { SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import { accessLabel, accessName } from './names.ts';
import { stamped } from './objects.ts';

/** The Secrets that shards may read, by namespace: exactly those that accounts, and slices that are served, name. */
export function secretsByNamespace(
  accounts: readonly TickerAccount[],
  slices: readonly SubscriptionSlice[],
): ReadonlyMap<string, readonly string[]> {
  const byNamespace = new Map<string, Set<string>>();
  const add = (namespace: string | undefined, secret: string | undefined): void => {
    if (namespace === undefined || secret === undefined) return;
    byNamespace.set(namespace, (byNamespace.get(namespace) ?? new Set()).add(secret));
  };
  for (const { metadata, spec } of accounts) add(metadata.namespace, spec.credentials?.secretName);
  for (const { metadata, spec } of slices) add(metadata.namespace, spec.login.credentials?.secretName);
  return new Map([...byNamespace].map(([namespace, names]) => [namespace, [...names].sort()]));
}

/** Role and RoleBinding of one namespace. */
export function accessOf(
  namespace: string,
  secretNames: readonly string[],
  shards: { readonly serviceAccount: string; readonly namespace: string },
): { readonly role: Role; readonly binding: RoleBinding } {
  const metadata = { name: accessName, namespace, labels: { [accessLabel]: 'secrets' } };
  return {
    role: stamped({
      apiVersion: roles.apiVersion,
      kind: roles.kind,
      metadata,
      // Listed and watched one by one, by field selector: the API server allows that by name.
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: secretNames, verbs: ['get', 'list', 'watch'] }],
    }),
    binding: stamped({
      apiVersion: roleBindings.apiVersion,
      kind: roleBindings.kind,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: accessName },
      subjects: [{ kind: 'ServiceAccount', name: shards.serviceAccount, namespace: shards.namespace }],
    }),
  };
}
