import { WebSocket } from 'ws';
import { z } from 'zod';
import { BearerTokens } from '../runtime/bearer-tokens.ts';
import { systemClock } from '../runtime/clock.ts';
import { defineError, describeError } from '../runtime/errors.ts';
import { silentLogger } from '../runtime/log.ts';

const gatewayRefused = defineError(
  'TAIL_GATEWAY_REFUSED',
  'terminal',
  'Check the name of the set and that --gateway is where one listens.',
);

/** Where a gateway is, and what it wants to see. */
export interface GatewayAddress {
  /** e.g. `ws://127.0.0.1:8080` */
  readonly gateway: string;
  readonly tokenFile?: string;
}

const listing = z.object({
  sets: z.array(z.object({ namespace: z.string(), name: z.string(), stream: z.string().optional() })),
});
/** Milliseconds for an answer that is not a stream. */
const answerWithin = 5000;

/** Sets that the gateway streams, as `NAMESPACE/NAME`. @throws TAIL_GATEWAY_REFUSED with what the gateway said */
export async function listGatewaySets({ gateway, tokenFile }: GatewayAddress): Promise<string[]> {
  const url = `${gateway.replace(/^ws/, 'http').replace(/\/$/, '')}/v1/sets`;
  const request = { headers: await authorization(tokenFile), signal: AbortSignal.timeout(answerWithin) };
  const response = await fetch(url, request).catch((error: unknown) => {
    throw gatewayRefused(`${gateway}: ${describeCause(error)}`, { cause: error });
  });
  const text = await response.text();
  if (!response.ok) throw gatewayRefused(refusalMessage(text, response.status));
  const { sets } = listing.parse(JSON.parse(text));
  return sets.filter(({ stream }) => stream !== undefined).map(({ namespace, name }) => `${namespace}/${name}`);
}

/**
 * Opens the stream of a set; resolves with what closes it. `done` settles when the gateway closes it, or `receive` throws.
 * @throws TAIL_GATEWAY_REFUSED with what the gateway said
 */
export async function openGatewayStream(
  { gateway, tokenFile }: GatewayAddress,
  set: string,
  receive: (payload: string | Uint8Array) => void,
  done: PromiseWithResolvers<void>,
): Promise<() => Promise<void>> {
  const socket = new WebSocket(`${gateway.replace(/\/$/, '')}/v1/stream?set=${encodeURIComponent(set)}`, {
    headers: await authorization(tokenFile),
  });
  const opened = Promise.withResolvers<void>();
  socket.on('open', () => opened.resolve());
  socket.on('unexpected-response', (_request, response) => {
    let text = '';
    response.on('data', (chunk) => {
      text = (text + String(chunk)).slice(0, 2000);
    });
    response.on('end', () => opened.reject(gatewayRefused(refusalMessage(text, response.statusCode ?? 0))));
  });
  socket.on('error', (error) => opened.reject(gatewayRefused(`${gateway}: ${error.message}`)));
  socket.on('message', (data: Buffer, binary) => {
    try {
      receive(binary ? data : String(data));
    } catch (error) {
      done.reject(error);
    }
  });
  socket.on('close', () => {
    opened.reject(gatewayRefused(`${gateway} closed the connection`));
    done.resolve();
  });
  await opened.promise;
  return async () => socket.close();
}

const refusal = z.object({ error: z.object({ message: z.string() }) });

function refusalMessage(body: string, status: number): string {
  try {
    return refusal.parse(JSON.parse(body)).error.message;
  } catch {
    return `the gateway answered ${status}`;
  }
}

async function authorization(tokenFile: string | undefined): Promise<Record<string, string>> {
  if (tokenFile === undefined) return {};
  const tokens = new BearerTokens(tokenFile, systemClock, silentLogger);
  await tokens.load();
  return { Authorization: `Bearer ${await tokens.first()}` };
}

/** `fetch` says only that it failed; its cause says why. */
function describeCause(error: unknown): string {
  return describeError(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
