import { ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { Clock } from '../runtime/clock.ts';
import type { OperatorObserver } from './vitals.ts';

interface Phase {
  readonly name: string;
  readonly started: number;
  readonly ended: number;
  readonly attributes: Readonly<Record<string, number>>;
}

/**
 * Makes one trace of each reconcile: the wait before it, the plan, and the writes as its parts. A reconcile that wrote
 * nothing is left out, or a resync every half minute would be all that there is to see.
 *
 * @param next is told everything as well
 */
export function tracedObserver(tracer: Tracer, clock: Clock, next: OperatorObserver): OperatorObserver {
  let phases: Phase[] = [];
  const phase = (name: string, seconds: number, attributes: Phase['attributes'] = {}): void => {
    const ended = clock.now();
    phases.push({ name, started: ended - seconds * 1000, ended, attributes });
  };
  return {
    waited: (seconds) => {
      next.waited(seconds);
      phase('wait', seconds);
    },
    planned: (seconds) => {
      next.planned(seconds);
      phase('plan', seconds);
    },
    wrote: (what, written, seconds) => {
      next.wrote(what, written, seconds);
      if (written > 0) phase(`write ${what}`, seconds, { written });
    },
    handedOver: (...handover) => next.handedOver(...handover),
    reconciled: (result, seconds) => {
      next.reconciled(result, seconds);
      const ended = clock.now();
      const parts = phases;
      phases = [];
      if (result === 'succeeded' && !parts.some(({ name }) => name.startsWith('write'))) return;
      const startTime = Math.min(ended - seconds * 1000, ...parts.map(({ started }) => started));
      const span = tracer.startSpan('reconcile', { startTime, attributes: { result } }, ROOT_CONTEXT);
      if (result === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      const context = trace.setSpan(ROOT_CONTEXT, span);
      for (const { name, started, ended: end, attributes } of parts) {
        tracer.startSpan(name, { startTime: started, attributes: { ...attributes } }, context).end(end);
      }
      span.end(ended);
    },
  };
}
