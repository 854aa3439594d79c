import type { z } from 'zod';
import {
  instrumentSetSpec,
  instrumentSetStatus,
  subscriptionSliceSpec,
  subscriptionSliceStatus,
  tickerAccountSpec,
  tickerAccountStatus,
} from '../../crds/index.ts';

/** Judges an object of a custom kind and fills in defaults; `old` is what it replaces. */
export type Admit = (
  kind: string,
  object: unknown,
  old?: unknown,
) => { object: unknown; errors: readonly { path: string; message: string }[] };

const shapes = new Map<string, { spec: z.ZodType; status: z.ZodType }>([
  ['TickerAccount', { spec: tickerAccountSpec, status: tickerAccountStatus }],
  ['InstrumentSet', { spec: instrumentSetSpec, status: instrumentSetStatus }],
  ['SubscriptionSlice', { spec: subscriptionSliceSpec, status: subscriptionSliceStatus }],
]);

/** Structure and defaults alone. */
export const admitStructure: Admit = (kind, object) => {
  const shape = shapes.get(kind);
  if (shape === undefined || typeof object !== 'object' || object === null) return { object, errors: [] };
  const result: Record<string, unknown> = { ...object };
  const errors: { path: string; message: string }[] = [];
  for (const part of ['spec', 'status'] as const) {
    if (part === 'status' && result[part] === undefined) continue;
    const parsed = shape[part].safeParse(result[part]);
    if (parsed.success) result[part] = parsed.data;
    else errors.push(...parsed.error.issues.map(({ path, message }) => ({ path: [part, ...path].join('.'), message })));
  }
  return { object: result, errors };
};
