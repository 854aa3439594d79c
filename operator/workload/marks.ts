import { z } from 'zod';
import type { StatefulSet } from '../../cluster/workload-resources.ts';
import { goodTemplateAnnotation, leavingAnnotation, rolloutAnnotation, templateAnnotation } from './names.ts';
import type { KnownTemplate, RolloutState } from './rollout.ts';

/** Which pod leaves, and since when (milliseconds since the epoch). */
export interface Leaving {
  readonly from: number;
  readonly since: number;
}

/** What we keep on the StatefulSet, so that any replica of the operator can go on. */
export interface Marks {
  /** Hash of the template that it has. */
  readonly template: string;
  readonly good: KnownTemplate | undefined;
  readonly rollout: RolloutState | undefined;
  readonly leaving: Leaving | undefined;
}

const rolloutSchema = z.object({
  hash: z.string(),
  phase: z.enum(['Canary', 'Watching', 'Rolling', 'Stopped']),
  since: z.number(),
  restarts: z.number().optional(),
  message: z.string().optional(),
});
const leavingSchema = z.object({ from: z.number(), since: z.number() });
const goodSchema = z.object({
  hash: z.string(),
  template: z.looseObject({
    spec: z.looseObject({ serviceAccountName: z.string(), containers: z.array(z.looseObject({ name: z.string() })) }),
  }),
});

/** A template larger than this is not kept: annotations of an object have 256 KiB together. */
const maxTemplate = 128 * 1024;

/** What cannot be read counts as not there. */
export function readMarks(found: StatefulSet): Marks {
  const annotations = found.metadata.annotations ?? {};
  const read = <T>(name: string, schema: z.ZodType<T>): T | undefined => {
    try {
      return schema.parse(JSON.parse(annotations[name] ?? ''));
    } catch {
      return undefined;
    }
  };
  return {
    template: annotations[templateAnnotation] ?? '',
    good: read(goodTemplateAnnotation, goodSchema) as KnownTemplate | undefined,
    rollout: read(rolloutAnnotation, rolloutSchema) as RolloutState | undefined,
    leaving: read(leavingAnnotation, leavingSchema),
  };
}

export function writeMarks({ template, good, rollout, leaving }: Marks): Record<string, string> {
  const kept = good === undefined ? undefined : JSON.stringify(good);
  return {
    [templateAnnotation]: template,
    ...(kept === undefined || kept.length > maxTemplate ? {} : { [goodTemplateAnnotation]: kept }),
    ...(rollout === undefined ? {} : { [rolloutAnnotation]: JSON.stringify(rollout) }),
    ...(leaving === undefined ? {} : { [leavingAnnotation]: JSON.stringify(leaving) }),
  };
}
