import { parse } from 'yaml';
import { z } from 'zod';
import { described, dnsLabel } from '../../crds/index.ts';
import { defineError, describeError } from '../../runtime/errors.ts';

export const badConfig = defineError(
  'OPERATOR_BAD_CONFIG',
  'terminal',
  'Correct the file that --config names; docs/reference/operator-config.md describes it.',
);

const seconds = (least: number, most: number) => z.int().min(least).max(most);

const podTemplate = z.looseObject({
  metadata: described(
    z.looseObject({ labels: z.record(z.string(), z.string()).optional() }).optional(),
    'Labels and annotations of the pods.',
  ),
  spec: described(
    z.looseObject({
      serviceAccountName: described(
        dnsLabel,
        'Account of the pods, in the same namespace; the Roles that let them read Secrets name it.',
      ),
      containers: described(
        z.array(z.looseObject({ name: z.string() })).min(1),
        'One of them runs `ticker-operator shard`.',
      ),
    }),
    'A v1.PodSpec, as it is; the API server judges it.',
  ),
});

const rollout = z
  .strictObject({
    readySeconds: described(
      seconds(1, 3600).default(300),
      'How long an updated pod may take to be Ready before the rollout stops.',
    ),
    watchSeconds: described(
      seconds(0, 3600).default(60),
      'How long the first updated pod, once Ready, is watched before the others follow.',
    ),
    errorsPerMinute: described(
      z.number().min(0).max(1_000_000).default(6),
      'Errors that the first updated pod may log a minute beyond three times what the others log, before the rollout stops.',
    ),
  })
  .prefault({});

export const operatorConfigSchema = z.strictObject({
  shards: described(
    z
      .strictObject({
        name: described(dnsLabel.max(50).default('ticker'), 'Name of the StatefulSet; pods are NAME-0, NAME-1, …'),
        min: described(z.int().min(1).max(1000).default(1), 'Pods at least.'),
        max: described(z.int().min(1).max(1000).default(10), 'Pods at most.'),
        instrumentsPerShard: described(
          z.int().min(1).max(1_000_000).default(9000),
          'Planned load: instruments that one pod should stream at most. An account lies whole in one pod.',
        ),
        accountsPerShard: described(
          z.int().min(1).max(1000).default(10),
          'Planned load: accounts that one pod should serve at most.',
        ),
        scaleDownAfterSeconds: described(
          seconds(0, 86_400).default(600),
          'How long fewer pods must have been enough before the last one leaves.',
        ),
        leaveSeconds: described(
          seconds(1, 86_400).default(600),
          'How long a pod that leaves may take to hand over its slices and empty its spool, before it is ended all the same.',
        ),
        rollout: described(rollout, 'How a changed template is rolled out: the last pod first.'),
        template: described(podTemplate, 'What the pods are made from: a v1.PodTemplateSpec.'),
        volumeClaimTemplates: described(
          z.array(z.looseObject({})).max(10).default([]),
          'As of a StatefulSet: volumes that outlive a pod. They cannot be changed later.',
        ),
        ownerDeployment: described(
          dnsLabel.optional(),
          'A Deployment of the same namespace that the workload is removed with: that of the operator.',
        ),
      })
      .refine(({ min, max }) => min <= max, { message: 'is less than shards.min; raise it', path: ['max'] }),
    'The ticker pods, which the operator runs as a StatefulSet.',
  ),
});

export type OperatorConfig = z.infer<typeof operatorConfigSchema>;
export type ShardsConfig = OperatorConfig['shards'];
export type PodTemplate = z.infer<typeof podTemplate>;

/** Reads the text of a configuration file. @throws OPERATOR_BAD_CONFIG naming every field that is wrong */
export function parseConfig(text: string): OperatorConfig {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw badConfig(`the configuration is no YAML: ${describeError(error)}`, { cause: error });
  }
  const { success, data, error } = operatorConfigSchema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw badConfig(problems.join('; '));
}
