import { defineError } from '../../runtime/errors.ts';

export const portInUse = defineError(
  'GATEWAY_PORT_IN_USE',
  'terminal',
  'Choose another port (0 takes a free one), or end the process that listens there.',
);
export const cannotListen = defineError(
  'GATEWAY_CANNOT_LISTEN',
  'terminal',
  'Choose an address of this machine, and a port that this user may listen on (1024 and above).',
);
export const unknownSet = defineError(
  'GATEWAY_UNKNOWN_SET',
  'terminal',
  'Name a set as NAMESPACE/NAME; GET /v1/sets lists them.',
);
export const notPublished = defineError(
  'GATEWAY_SET_NOT_PUBLISHED',
  'terminal',
  'Set spec.delivery.pubsub to true, or read its Redis Stream.',
);
export const noBars = defineError('GATEWAY_NO_BARS', 'terminal', 'Set spec.bars.intervals of the set.');
export const tooManyClients = defineError(
  'GATEWAY_TOO_MANY_CLIENTS',
  'retryable',
  'Close streams that are not needed, raise the limit, or run more gateways.',
);
export const originRefused = defineError(
  'GATEWAY_ORIGIN_REFUSED',
  'terminal',
  'Open the page from the gateway itself, or allow its origin.',
);
export const badRequest = defineError(
  'GATEWAY_BAD_REQUEST',
  'terminal',
  'GET /, /healthz, /v1/sets, /v1/sets/NAMESPACE/NAME/latest or /bars; WebSocket /v1/stream?set=NAMESPACE/NAME, &kind=bars for bars.',
);
export const unauthorized = defineError(
  'GATEWAY_UNAUTHORIZED',
  'terminal',
  "Send 'Authorization: Bearer TOKEN', or open the WebSocket with the subprotocols ticker.v1 and ticker.bearer.TOKEN (base64url).",
);
export const badPosition = defineError(
  'GATEWAY_BAD_POSITION',
  'terminal',
  'Resume with from=SLICE_UID:EPOCH.CLAIM:SEQ of the last batch that was received of each slice.',
);
