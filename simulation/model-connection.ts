import type { Mode } from '../crds/index.ts';
import type { Timer } from '../runtime/clock.ts';
import type { CodedError } from '../runtime/errors.ts';
import { connectionLost, connectionSilent } from '../ticker/providers/errors.ts';
import { silenceGrace, silenceTimeout } from '../ticker/providers/kite/connection.ts';
import type { Connection, ConnectionHandler } from '../ticker/providers/provider.ts';
import type { TickColumns } from '../ticker/tick-columns.ts';
import type { BrokerAccount, BrokerModel } from './broker-model.ts';
import { decode, encode, packetOf } from './model-frame.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** The longest that a broker keeps the connection of a client that died (milliseconds). */
const longestLinger = 10_000;
/** Milliseconds until the cached last values of what was asked for go out. */
const firstTickDelay = 2;

/** One open WebSocket: both of its ends, which do not learn of each other's end at the same time. */
export class ModelConnection implements Connection {
  /** What the broker sends, and as what. */
  readonly subscribed = new Map<number, Mode>();
  readonly process: SimulatedProcess;
  readonly account: BrokerAccount;
  readonly pending = 0;
  /** Ticks that the broker has sent. */
  ticks = 0;
  readonly #broker: BrokerModel;
  readonly #handler: ConnectionHandler;
  /** The broker sends, and counts it. */
  #open = true;
  /** The client hears what comes. */
  #heard = true;
  #silentSince: number | undefined;
  #silence: Timer | undefined;
  #timer: Timer | undefined;

  constructor(broker: BrokerModel, account: BrokerAccount, process: SimulatedProcess, handler: ConnectionHandler) {
    this.#broker = broker;
    this.account = account;
    this.process = process;
    this.#handler = handler;
    this.tickLater();
    this.stalls();
  }

  /** The client hears nothing of it any more. */
  get over(): boolean {
    return !this.#heard;
  }

  /** A broker that is not silent sends heartbeats. */
  get lastHeard(): number {
    return this.#silentSince ?? this.process.clock.monotonic();
  }

  subscribe(tokens: readonly number[], mode: Mode): void {
    if (!this.#open || !this.#heard) return;
    const { instrumentsPerConnection, name } = this.account;
    const refused = tokens.filter((token) => {
      if (!this.subscribed.has(token) && this.subscribed.size >= instrumentsPerConnection) return true;
      this.subscribed.set(token, mode);
      return false;
    });
    if (refused.length > 0) {
      const text = `account ${name}: ${refused.length} instruments over the ${instrumentsPerConnection} of one connection`;
      this.#broker.options.violated(text);
      this.#tell(() => this.#handler.notice({ kind: 'error', text }));
    }
    // The cached last values, as brokers send them.
    this.#broker.options.clock.setTimer(firstTickDelay, () => this.#tick(tokens));
  }

  unsubscribe(tokens: readonly number[]): void {
    for (const token of tokens) this.subscribed.delete(token);
  }

  decode(frame: Uint8Array, offset: number, receivedAtMicros: number, into: TickColumns): number {
    return decode(frame, offset, receivedAtMicros, into);
  }

  /** The broker, or the network, ends it; the client first hears what was sent before. */
  fail(): void {
    if (!this.#open) return;
    this.#end();
    this.#tell(() => this.#closed(connectionLost(`account ${this.account.name}: cut`)));
  }

  /** Its process died: the broker notices later, and counts it until then. */
  linger(): void {
    const { clock, random } = this.#broker.options;
    clock.setTimer(random.next() * longestLinger, () => this.close());
  }

  close(): void {
    this.#heard = false;
    this.#end();
  }

  /** The account stalls, or does not any more. */
  stalls(): void {
    const { clock } = this.process;
    this.#silence?.cancel();
    this.#silentSince = undefined;
    if (this.account.stall !== 'silent' || !this.#open) return;
    this.#silentSince = clock.monotonic();
    this.#silence = clock.setTimer(silenceTimeout + silenceGrace, () => {
      this.#end();
      this.#closed(connectionSilent(`account ${this.account.name}: nothing arrives`));
    });
  }

  tickLater(): void {
    const { clock, random } = this.#broker.options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(this.#broker.nextTick(), () => {
      this.#tick([...this.subscribed.keys()].filter(() => random.next() < 0.95));
      this.tickLater();
    });
  }

  #tick(tokens: readonly number[]): void {
    if (!this.#open || this.account.stall !== undefined) return;
    const { emitted } = this.#broker.options;
    const ticks = tokens.flatMap((token) => {
      const mode = this.subscribed.get(token);
      return mode === undefined
        ? []
        : { token, packet: packetOf(mode, this.#broker.isIndex(token)), id: this.#broker.nextId() };
    });
    if (ticks.length === 0) return;
    this.ticks += ticks.length;
    const frame = encode(ticks);
    this.process.deliver(() => {
      if (!this.#heard) return;
      for (const { id, token } of ticks) emitted(id, this.process, token, this);
      this.#handler.frame(frame, this.process.clock.now() * 1000);
    });
  }

  /** Something other than ticks reaches the client: after the frames before it, and once whoever connected knows of it. */
  #tell(act: () => void): void {
    this.process.deliver(() => {
      this.#broker.options.clock.setTimer(0, () => this.process.deliver(() => this.#heard && act()));
    });
  }

  #closed(error: CodedError): void {
    if (!this.#heard) return;
    this.#heard = false;
    this.#handler.closed(error);
  }

  #end(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#silence?.cancel();
    this.account.open.delete(this);
  }
}
