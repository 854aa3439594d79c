import type { WebSocket } from 'ws';
import type { Mode } from '../../../crds/index.ts';
import type { Clock, Timer } from '../../../runtime/clock.ts';
import type { CodedError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { TickColumns } from '../../tick-columns.ts';
import { TokenIndex } from '../../token-index.ts';
import { connectionLost, connectionSilent } from '../errors.ts';
import type { Connection, ConnectionHandler } from '../provider.ts';
import { KiteDecoder } from './decoder.ts';
import { tooManyInstruments } from './errors.ts';
import { type HandshakeOptions, handshake } from './handshake.ts';
import { safeText } from './redact.ts';
import { subscribeMessages, unsubscribeMessages } from './subscribe-messages.ts';
import { parseTextMessage } from './text-message.ts';

/** Milliseconds without any message, heartbeats too, after which a connection is dead; the official clients' figure. */
export const silenceTimeout = 5_000;
/** Milliseconds more before the verdict, so that messages which arrived while this process was busy are read first. */
export const silenceGrace = 250;
/** Milliseconds that the broker has to answer a close before the socket is torn down. */
export const closeTimeout = 2_000;
/** Bytes that may wait to be sent. A broker that has not read so much is not reading: the connection is given up. */
export const maxPendingBytes = 1024 * 1024;
/** Tokens on one connection; the most that an account can be configured to. */
export const maxTokens = 10_000;
/** Bytes of the largest frame without ticks: a heartbeat has 1, an empty frame 2. */
const emptyFrameBytes = 2;
/** Unknown packet lengths that are logged, each once. */
const maxLoggedLengths = 16;

export interface KiteConnectionOptions extends HandshakeOptions {
  readonly log: Logger;
}

/** Opens one connection; rejects as {@link handshake} does. The handler is called after the promise has resolved. */
export async function openConnection(
  options: KiteConnectionOptions,
  handler: ConnectionHandler,
  signal: AbortSignal,
): Promise<KiteConnection> {
  return handshake(options, signal, (socket) => new KiteConnection(socket, options, handler));
}

/** One WebSocket of the feed. After `close()`, and after it has told `closed`, calls do nothing. */
export class KiteConnection implements Connection {
  readonly #socket: WebSocket;
  readonly #handler: ConnectionHandler;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #account: string;
  readonly #secrets: readonly string[];
  readonly #decoder = new KiteDecoder();
  #subscribed = new TokenIndex();
  readonly #loggedLengths = new Set<number>();
  #ended = false;
  #paused = false;
  #fault: CodedError | undefined;
  #lastHeard: number;
  #watchdog: Timer;
  #teardown: Timer | undefined;
  /** Resolves when the socket is gone. */
  readonly gone: Promise<void>;

  constructor(socket: WebSocket, options: KiteConnectionOptions, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#account = options.account;
    this.#secrets = [options.apiKey, options.accessToken];
    this.#lastHeard = this.#clock.monotonic();
    this.#watchdog = this.#clock.setTimer(silenceTimeout, () => this.#checkSilence(false));
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: unknown, isBinary: boolean) => {
      if (data instanceof Uint8Array) this.#message(data, isBinary);
    });
    socket.on('error', (error) => this.#fail(connectionLost(this.#says(safeText(error.message, this.#secrets)))));
    this.gone = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#teardown?.cancel();
        const why = safeText(reason.toString(), this.#secrets);
        this.#fail(this.#fault ?? connectionLost(this.#says(`closed (${code}${why === '' ? '' : `, ${why}`})`)));
        resolve();
      });
    });
    // Whoever connects learns of the connection before it hears from it.
    socket.pause();
    setImmediate(() => this.#paused || socket.resume());
  }

  get lastHeard(): number {
    return this.#lastHeard;
  }

  get pending(): number {
    return this.#socket.bufferedAmount;
  }

  /** Packets of a length that this decoder does not know, skipped. */
  get unknownPackets(): number {
    return this.#decoder.unknownPackets;
  }

  subscribe(tokens: readonly number[], mode: Mode): void {
    if (this.#ended) return;
    const distinct = [...new Set(tokens)];
    const added = distinct.filter((token) => !this.#subscribed.has(token));
    if (this.#subscribed.size + added.length > maxTokens) {
      throw tooManyInstruments(this.#says(`${this.#subscribed.size + added.length} instruments, ${maxTokens} at most`));
    }
    const messages = subscribeMessages(distinct, mode, this.#subscribed);
    if (this.#subscribed.size === 0) this.#subscribed = new TokenIndex(added.length);
    for (const token of added) this.#subscribed.set(token, 0);
    this.#send(messages);
  }

  unsubscribe(tokens: readonly number[]): void {
    if (this.#ended) return;
    this.#send(unsubscribeMessages(tokens.filter((token) => this.#subscribed.delete(token))));
  }

  decode(frame: Uint8Array, offset: number, receivedAtMicros: number, into: TickColumns): number {
    const before = this.#decoder.unknownPackets;
    const next = this.#decoder.decode(frame, offset, receivedAtMicros, into);
    if (this.#decoder.unknownPackets !== before) this.#reportUnknown(this.#decoder.lastUnknownLength);
    return next;
  }

  pause(paused: boolean): void {
    if (this.#ended || this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Says goodbye, and tears the socket down where the broker does not answer within {@link closeTimeout}. */
  close(): void {
    if (this.#ended) return;
    this.#end();
    this.#teardown = this.#clock.setTimer(closeTimeout, () => this.#socket.terminate());
    this.#socket.close(1000);
  }

  #message(data: Uint8Array, isBinary: boolean): void {
    if (this.#ended) return;
    this.#lastHeard = this.#clock.monotonic();
    try {
      if (!isBinary) this.#text(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
      else if (data.byteLength > emptyFrameBytes) this.#handler.frame(data, Math.round(this.#clock.now() * 1000));
    } catch (error) {
      // A fault of the handler's. Going on would lose ticks in silence; letting it pass would end the process.
      this.#log.error({ event: 'kite.handler.failed', account: this.#account, error }, 'a message was not handled');
      this.#fail(connectionLost(this.#says('given up, since a message from it was not handled'), { cause: error }));
    }
  }

  #text(text: string): void {
    const message = parseTextMessage(text);
    if (message.kind === 'order') return;
    if (message.kind === 'unreadable') {
      this.#log.debug({ event: 'kite.text.unreadable', account: this.#account, bytes: text.length }, 'ignored');
      return;
    }
    this.#handler.notice({ kind: message.kind, text: safeText(message.text, this.#secrets) });
  }

  #send(messages: readonly string[]): void {
    for (const message of messages) {
      if (this.#ended) return;
      if (this.#socket.bufferedAmount + message.length > maxPendingBytes) {
        // Told by the socket's close event, not from within the caller's own call.
        this.#fault = connectionLost(this.#says(`the broker left ${this.#socket.bufferedAmount} bytes unread`));
        this.#socket.terminate();
        return;
      }
      this.#socket.send(message);
    }
  }

  /** One timer for the connection, set anew when it fires, rather than one for each message. */
  #checkSilence(again: boolean): void {
    const silent = this.#clock.monotonic() - this.#lastHeard;
    if (silent < silenceTimeout) {
      this.#watchdog = this.#clock.setTimer(silenceTimeout - silent, () => this.#checkSilence(false));
    } else if (!again) {
      this.#watchdog = this.#clock.setTimer(silenceGrace, () => this.#checkSilence(true));
    } else {
      this.#fail(connectionSilent(this.#says(`nothing arrived for ${(silent / 1000).toFixed(1)} s`)));
    }
  }

  #reportUnknown(length: number): void {
    if (this.#loggedLengths.has(length) || this.#loggedLengths.size === maxLoggedLengths) return;
    this.#loggedLengths.add(length);
    this.#log.warn(
      { event: 'kite.packet.unknown', account: this.#account, length, skipped: this.#decoder.unknownPackets },
      'packets of a length that no known kind has are skipped',
    );
  }

  #fail(error: CodedError): void {
    if (this.#ended) return;
    this.#end();
    this.#socket.terminate();
    this.#handler.closed(error);
  }

  #end(): void {
    this.#ended = true;
    // The broker's goodbye is read.
    if (this.#paused) this.#socket.resume();
    this.#watchdog.cancel();
    this.#subscribed = new TokenIndex();
  }

  #says(what: string): string {
    return `connection of account ${this.#account}: ${what}`;
  }
}
