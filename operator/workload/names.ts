/** Field manager of what runs the shards: not the one that plans. */
export const workloadManager = 'ticker-operator-workload';

/** Label of the pods of a StatefulSet of ours, and of what goes with them; its value is the StatefulSet's name. */
export const shardsLabel = 'ticker-operator.io/shards';
/** Name of the Role and RoleBinding that let shards read the Secrets of a namespace's accounts. */
export const accessName = 'ticker-operator-shards';
/** Label of those Roles and RoleBindings. */
export const accessLabel = 'ticker-operator.io/access';
/** Hash of what was applied last: the API server adds defaults, so what is there cannot be compared. */
export const appliedAnnotation = 'ticker-operator.io/applied';
/** Hash of the pod template that the StatefulSet has. */
export const templateAnnotation = 'ticker-operator.io/template';
/** Ordinal from which pods leave, as JSON: their slices move, and then they go. */
export const leavingAnnotation = 'ticker-operator.io/leaving';
/** How a rollout stands, as JSON. */
export const rolloutAnnotation = 'ticker-operator.io/rollout';
/** The last pod template with which every pod was Ready, as JSON. */
export const goodTemplateAnnotation = 'ticker-operator.io/good-template';

/** Port of metrics, health and market data. */
export const httpPort = 9464;

/** Ordinal of a pod of a StatefulSet; undefined for any other name. */
export function ordinalOf(statefulSet: string, pod: string): number | undefined {
  if (!pod.startsWith(`${statefulSet}-`)) return undefined;
  const text = pod.slice(statefulSet.length + 1);
  return /^(0|[1-9]\d{0,5})$/.test(text) ? Number(text) : undefined;
}
