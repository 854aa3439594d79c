import type { Instrument, InstrumentMaster } from '../../cluster/market-data.ts';
import type { Mode } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { CodedError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { TickColumns } from '../tick-columns.ts';

/** What one login may use at this provider, unless the account says otherwise. */
export interface ProviderLimits {
  readonly connections: number;
  readonly instrumentsPerConnection: number;
  /** REST requests a second for last prices. */
  readonly quotesPerSecond: number;
}

export interface SessionOptions {
  /** Values of the account's Secret, decoded. Never logged. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly endpoint?: { readonly rest?: string | undefined; readonly websocket?: string | undefined } | undefined;
  /** `namespace/name`, for messages. */
  readonly account: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
}

/** A broker or exchange API. Implementing this and one line in `registry.ts` is all that a new provider takes. */
export interface Provider {
  readonly name: string;
  readonly limits: ProviderLimits;
  /** Keys that the Secret must have. */
  readonly credentialKeys: readonly string[];
  /** Cheap and without I/O. Throws a coded terminal error where the credentials lack a key. */
  open(options: SessionOptions): ProviderSession;
}

/** One login. */
export interface ProviderSession {
  /** Proves the credentials. Terminal error `PROVIDER_CREDENTIALS_REFUSED` where the provider says no; else retryable. */
  login(signal: AbortSignal): Promise<void>;
  instruments(signal: AbortSignal): Promise<InstrumentMaster>;
  /** Last prices in rupees, by token; unknown ones are absent. Rate-limited inside. */
  lastPrices(instruments: readonly Instrument[], signal: AbortSignal): Promise<ReadonlyMap<number, number>>;
  history(request: HistoryRequest, signal: AbortSignal): Promise<readonly Candle[]>;
  /**
   * Opens one WebSocket connection. It does not reconnect: it tells `handler.closed` once, and whoever opened it
   * decides. Rejects with a coded error where the connection is refused.
   */
  connect(handler: ConnectionHandler, signal: AbortSignal): Promise<Connection>;
  close(): Promise<void>;
}

export interface HistoryRequest {
  readonly instrument: Instrument;
  readonly interval: 'minute' | '3minute' | '5minute' | '10minute' | '15minute' | '30minute' | '60minute' | 'day';
  /** Milliseconds since the epoch, both inclusive. */
  readonly from: number;
  readonly to: number;
}

export interface Candle {
  /** Start of the candle, milliseconds since the epoch. */
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly openInterest: number;
}

/** Called by a connection, in order, never concurrently. */
export interface ConnectionHandler {
  /** A frame with ticks arrived. Decode it with {@link Connection.decode} before returning: the bytes are reused. */
  frame(frame: Uint8Array, receivedAtMicros: number): void;
  /** The provider said something that is not a tick: an error about a request, or a message for the user. */
  notice(notice: { readonly kind: 'error' | 'message'; readonly text: string }): void;
  /** The connection is gone; nothing more is called. */
  closed(error: CodedError): void;
}

/** One open WebSocket. */
export interface Connection {
  /** Subscribes and sets the mode; one message for each mode and bounded chunk of tokens. Tokens already subscribed only change mode. */
  subscribe(tokens: readonly number[], mode: Mode): void;
  unsubscribe(tokens: readonly number[]): void;
  /**
   * Appends the frame's ticks to `into`, as long as there is room: returns the offset in the frame to go on from, or -1
   * when it is exhausted. Start with offset 0. Throws a coded error where the frame is malformed; rows before the
   * fault are kept.
   */
  decode(frame: Uint8Array, offset: number, receivedAtMicros: number, into: TickColumns): number;
  /** Milliseconds on the clock's monotonic scale when the last frame of any kind, heartbeats too, arrived. */
  readonly lastHeard: number;
  /** Bytes that wait to be sent. */
  readonly pending: number;
  /**
   * Leaves what comes unread in the socket, or reads on; what was read already may still be handed on. For a second at
   * most. Absent where there is no socket.
   */
  pause?(paused: boolean): void;
  close(): void;
}
