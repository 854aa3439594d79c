/** Steps from the root of an object to a field: names, and indexes of lists. */
export type FieldPath = readonly (string | number)[];

/** `spec.optionChains[0].strikes.aroundMoney`; a key that is no plain name is quoted: `metadata.labels["a/b"]`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `["${step}"]`;
  }
  return text;
}

/** The steps of a path as {@link formatPath} writes it. */
export function parsePath(text: string): FieldPath {
  const steps: (string | number)[] = [];
  for (const match of text.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)) {
    steps.push(match[2] === undefined ? (match[1] ?? match[3] ?? '') : Number(match[2]));
  }
  return steps;
}
