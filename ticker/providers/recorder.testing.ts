import type { CodedError } from '../../runtime/errors.ts';
import { type Packet, TickColumns } from '../tick-columns.ts';
import type { Connection, ConnectionHandler } from './provider.ts';

/** Decodes what arrives, and keeps the kind of every row by token. */
export class Recorder implements ConnectionHandler {
  connection: Connection | undefined;
  capacity = 512;
  frames = 0;
  lowestPrice = Number.POSITIVE_INFINITY;
  readonly packets = new Map<number, Packet[]>();
  readonly errors: string[] = [];
  readonly ends: CodedError[] = [];
  /** Frames whose rows lack their receive time or touch a slot, or differ when they are decoded in parts. */
  readonly disagreements: number[] = [];

  frame(frame: Uint8Array, receivedAt: number): void {
    this.frames++;
    const rows = this.#decode(frame, receivedAt, this.capacity);
    if (this.capacity < 512 && this.#decode(frame, receivedAt, 512).join() !== rows.join()) {
      this.disagreements.push(this.frames);
    }
    for (const { token, packet, price } of rows) {
      const packets = this.packets.get(token) ?? [];
      packets.push(packet);
      this.packets.set(token, packets);
      this.lowestPrice = Math.min(this.lowestPrice, price);
    }
  }

  notice(notice: { readonly kind: 'error' | 'message'; readonly text: string }): void {
    if (notice.kind === 'error') this.errors.push(notice.text);
  }

  closed(error: CodedError): void {
    this.ends.push(error);
  }

  packetsOf(token: number): readonly Packet[] {
    return this.packets.get(token) ?? [];
  }

  latestOf(token: number): Packet | undefined {
    return this.packetsOf(token).at(-1);
  }

  #decode(frame: Uint8Array, receivedAt: number, capacity: number): Row[] {
    const rows: Row[] = [];
    const into = new TickColumns(capacity);
    for (let offset = 0; offset >= 0; ) {
      into.clear();
      offset = this.connection!.decode(frame, offset, receivedAt, into);
      for (let i = 0; i < into.length; i++) {
        rows.push(new Row(into.token[i]!, into.packet[i]! as Packet, into.lastPrice[i]!));
        if (into.receiveTime[i] !== receivedAt || into.slot[i] !== 0) this.disagreements.push(this.frames);
      }
    }
    return rows;
  }
}

class Row {
  readonly token: number;
  readonly packet: Packet;
  readonly price: number;

  constructor(token: number, packet: Packet, price: number) {
    this.token = token;
    this.packet = packet;
    this.price = price;
  }

  toString(): string {
    return `${this.token}/${this.packet}/${this.price}`;
  }
}
