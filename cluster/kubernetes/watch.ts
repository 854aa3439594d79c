import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { CodedError } from '../../runtime/errors.ts';
import type { WatchEvent } from '../cluster.ts';
import { unavailable } from '../errors.ts';
import { broken } from './http-connection.ts';
import { maxEventBytes } from './limits.ts';
import { lines } from './lines.ts';
import { errorFromRefusal, isStatus } from './status.ts';

export interface WatchStreamOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds of silence after which the connection counts as dead. */
  readonly idleTimeout: number;
  /** For messages, e.g. `watch instrumentsets`. */
  readonly what: string;
}

/**
 * The events in the body of a watch. Ends when the server ends it or `signal` is aborted; throws what an `ERROR` event
 * says, and `CLUSTER_UNAVAILABLE` for silence, a broken connection, or what is no event.
 */
export async function* watchEvents<T extends KubeObject>(
  message: IncomingMessage,
  { clock, signal, idleTimeout, what }: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>> {
  let silent = false;
  const giveUp = (): void => {
    silent = true;
    message.destroy();
  };
  let idle = clock.setTimer(idleTimeout, giveUp, { background: true });
  const heard = (): void => {
    idle.cancel();
    idle = clock.setTimer(idleTimeout, giveUp, { background: true });
  };
  try {
    for await (const line of lines(heeded(message, heard), maxEventBytes)) {
      if (signal.aborted) return;
      yield eventOf<T>(line, what);
      if (signal.aborted) return;
    }
  } catch (error) {
    if (signal.aborted) return;
    if (silent) throw unavailable(`${what}: the API server was silent for ${idleTimeout} ms`);
    throw error instanceof CodedError ? error : broken(error);
  } finally {
    idle.cancel();
    message.destroy();
  }
  if (silent && !signal.aborted) throw unavailable(`${what}: the API server was silent for ${idleTimeout} ms`);
}

async function* heeded(message: IncomingMessage, heard: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of message as AsyncIterable<Buffer>) {
    heard();
    yield chunk;
  }
}

/** One line of a watch: `{"type": "ADDED", "object": {…}}`. */
function eventOf<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  const { type, object } = parse(line, what);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK':
      return { type, resourceVersion: (object as KubeObject).metadata.resourceVersion ?? '' };
    case 'ERROR': {
      const status = isStatus(object) ? object : undefined;
      throw errorFromRefusal({ what, code: status?.code ?? 500, ...(status === undefined ? {} : { status }) });
    }
    default:
      throw unavailable(`${what}: the API server sent an event of an unknown type`);
  }
}

function parse(line: string, what: string): { type?: unknown; object?: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event === 'object' && event !== null) return event;
  } catch {
    // Said below, without the text, which may be a Secret's.
  }
  throw unavailable(`${what}: the API server sent a line that is no event`);
}
