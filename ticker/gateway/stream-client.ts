import type { WebSocket } from 'ws';
import type { Clock } from '../../runtime/clock.ts';
import type { GatewayLimits } from './limits.ts';
import { comparePositions, type Position, placeOf } from './position.ts';
import type { GatewayTraffic } from './traffic.ts';

/** One published message, encoded once for all clients. */
export interface Frame {
  readonly data: Buffer;
  readonly binary: boolean;
  /** Ticks in it; undefined where that can't be told without decoding. */
  readonly ticks: number | undefined;
}

type State = 'catchingUp' | 'flowing' | 'blocked';

/**
 * One reader's end. It gets the latest values first, then every message as it was published. One that reads too slowly
 * is blocked at its bound: batches are dropped and counted exactly, and when it has caught up it is told
 * `{"type":"dropped","batches":n,"ticks":m}`, gets the latest values anew and goes on.
 */
export class StreamClient {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #limits: GatewayLimits;
  readonly #traffic: GatewayTraffic;
  readonly #wantSnapshot: (client: StreamClient) => void;
  #state: State = 'catchingUp';
  /** What was published since the latest values were asked for. */
  #held: Frame[] = [];
  #heldBytes = 0;
  #dropped = { batches: 0, ticks: 0, countable: true };
  #lastSign: number;
  /** By slice, what was resent last: what comes on the channel up to there is no news. */
  readonly #resent = new Map<string, Position>();

  /**
   * @param wantSnapshot asks for {@link snapshot} to be called; at once for the first, later after each block
   * @param wantFirst asks for the first instead, where the reader resumes: for {@link resume}, or {@link snapshot}
   */
  constructor(
    socket: WebSocket,
    options: {
      readonly clock: Clock;
      readonly limits: GatewayLimits;
      /** Counted into. */
      readonly traffic: GatewayTraffic;
      readonly wantSnapshot: (client: StreamClient) => void;
      readonly wantFirst?: ((client: StreamClient) => void) | undefined;
    },
  ) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#traffic = options.traffic;
    this.#wantSnapshot = options.wantSnapshot;
    this.#lastSign = this.#clock.monotonic();
    socket.on('pong', () => this.#alive());
    // Nothing is expected from a reader; what comes is a sign of life.
    socket.on('message', () => this.#alive());
    (options.wantFirst ?? options.wantSnapshot)(this);
  }

  /** What the reader missed, after `texts`; `last` says up to where, by slice. */
  resume(texts: readonly string[], missed: readonly Frame[], last: ReadonlyMap<string, Position>): void {
    if (this.#state !== 'catchingUp') return;
    for (const text of texts) this.#text(text);
    for (const [slice, position] of last) this.#resent.set(slice, position);
    this.#flow(missed);
  }

  /** Latest values of the set, as the text of a message. */
  snapshot(text: string): void {
    if (this.#state !== 'catchingUp') return;
    const { batches, ticks, countable } = this.#dropped;
    if (batches > 0) {
      this.#text(JSON.stringify({ type: 'dropped', batches, ...(countable && { ticks }) }));
      this.#dropped = { batches: 0, ticks: 0, countable: true };
    }
    this.#text(text);
    this.#flow([]);
  }

  publish(frame: Frame): void {
    if (this.#resent.size > 0 && this.#state === 'flowing' && this.#isRepeated(frame)) return;
    this.#offer(frame);
  }

  #flow(first: readonly Frame[]): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#state = 'flowing';
    for (const frame of first) this.#offer(frame);
    for (const frame of held) this.publish(frame);
  }

  /** The stream and the channel are read apart: what was resent may come on the channel still. */
  #isRepeated(frame: Frame): boolean {
    const place = placeOf(frame.data);
    const resent = place && this.#resent.get(place.sliceUid);
    if (place === undefined || resent === undefined) return false;
    const order = comparePositions(place, resent);
    if (order < 0 || (order === 0 && place.count > 0)) return true;
    if (order > 0) this.#resent.delete(place.sliceUid);
    return false;
  }

  #offer(frame: Frame): void {
    if (this.#state === 'flowing') {
      const waiting = this.#socket.bufferedAmount;
      // A message larger than the bound goes out alone: with nothing on its way, nothing would unblock the client.
      if (waiting === 0 || waiting + frame.data.length <= this.#limits.clientBytes) {
        this.#count(frame.data.length);
        this.#socket.send(frame.data, { binary: frame.binary }, (error) => this.#sent(error));
        return;
      }
      this.#state = 'blocked';
    } else if (this.#state === 'catchingUp') {
      if (this.#heldBytes + frame.data.length <= this.#limits.clientBytes) {
        this.#held.push(frame);
        this.#heldBytes += frame.data.length;
        return;
      }
      // Dropping what is held keeps order: everything dropped comes before the latest values.
      for (const held of this.#held) this.#drop(held);
      this.#held = [];
      this.#heldBytes = 0;
    }
    this.#drop(frame);
  }

  /** Pings, or ends a connection that has shown no sign of life since the ping before the last. */
  keepAlive(): void {
    if (this.#clock.monotonic() - this.#lastSign > 2 * this.#limits.keepalive) this.#socket.terminate();
    else this.#socket.ping();
  }

  /** Says goodbye after everything that is queued. Codes: RFC 6455, section 7.4.1. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #drop(frame: Frame): void {
    if (frame.ticks === 0) return;
    this.#dropped.batches++;
    this.#traffic.droppedBatches++;
    this.#traffic.droppedTicks += frame.ticks ?? 0;
    if (frame.ticks === undefined) this.#dropped.countable = false;
    else this.#dropped.ticks += frame.ticks;
  }

  #sent(error: Error | null | undefined): void {
    if (error !== undefined && error !== null) return;
    this.#alive();
    if (this.#state !== 'blocked' || this.#socket.bufferedAmount > this.#limits.clientBytes / 4) return;
    this.#state = 'catchingUp';
    this.#wantSnapshot(this);
  }

  #alive(): void {
    this.#lastSign = this.#clock.monotonic();
  }

  #count(bytes: number): void {
    this.#traffic.sent++;
    this.#traffic.bytes += bytes;
  }

  #text(text: string): void {
    this.#count(Buffer.byteLength(text));
    this.#socket.send(text, (error) => this.#sent(error));
  }
}
