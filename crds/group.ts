/** The API group and version of every kind here. Apart from the schemas: a thread that only names them stays small. */
export const group = 'ticker-operator.io';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}` as const;
