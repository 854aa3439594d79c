import { defineError } from '../../runtime/errors.ts';

export const kubeconfigInvalid = defineError(
  'KUBECONFIG_INVALID',
  'terminal',
  'Correct the kubeconfig file; `kubectl config view` shows how kubectl reads it.',
);
export const noClusterConfig = defineError(
  'KUBECONFIG_MISSING',
  'terminal',
  'Set KUBECONFIG or give --kubeconfig; in a pod, let its service account token be mounted.',
);
/** A token file that cannot be read, or a credential plugin that failed. */
export const credentialsUnavailable = defineError(
  'KUBE_CREDENTIALS_UNAVAILABLE',
  'retryable',
  'Check the token file, or run the credential plugin of the kubeconfig by hand; it is tried again.',
);
export const responseTooLarge = defineError(
  'CLUSTER_RESPONSE_TOO_LARGE',
  'terminal',
  'Ask for fewer objects: a namespace, a label selector.',
);
