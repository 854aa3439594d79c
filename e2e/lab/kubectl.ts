import { type RunOptions, run } from './command.ts';

/** kubectl on the cluster of $KUBECONFIG. */
export function kubectl(args: readonly string[], options?: RunOptions): Promise<string> {
  return run('kubectl', args, options);
}

/** Applies YAML, in which `${NAME}` stands for what `values` has. */
export function apply(yaml: string, namespace: string, values: Readonly<Record<string, string>> = {}): Promise<string> {
  const input = yaml.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${name}`);
    return value;
  });
  return kubectl(['apply', '--namespace', namespace, '-f', '-'], { input });
}
