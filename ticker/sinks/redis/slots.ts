import { slotCount } from './key-slot.ts';
import type { NodeAddress } from './redis-url.ts';

/** Servers of one cluster that are believed; Redis advises at most 1,000. */
const mostNodes = 2000;

/** Which master has which slot, as far as it is known. */
export class SlotTable {
  readonly #masters: NodeAddress[] = [];
  /** Number of a master plus one; 0 where none is known. */
  readonly #slots = new Uint16Array(slotCount);

  get masters(): readonly NodeAddress[] {
    return this.#masters;
  }

  masterOf(slot: number): NodeAddress | undefined {
    return this.#masters[this.#slots[slot]! - 1];
  }

  assign(from: number, to: number, node: NodeAddress): void {
    let at = this.#masters.findIndex(({ host, port }) => host === node.host && port === node.port);
    if (at < 0) {
      if (this.#masters.length >= mostNodes) return;
      at = this.#masters.push(node) - 1;
    }
    this.#slots.fill(at + 1, from, to + 1);
  }
}

/**
 * Reads a reply to `CLUSTER SLOTS`: ranges with their master first. A server that does not know its own name or address
 * leaves it empty: then it is where it was `asked`.
 * @throws where the reply is none
 */
export function readSlots(reply: unknown, asked: NodeAddress): SlotTable {
  const table = new SlotTable();
  if (!Array.isArray(reply)) throw new Error('CLUSTER SLOTS answered with something else than a list');
  for (const range of reply.slice(0, slotCount)) {
    if (!Array.isArray(range)) throw new Error('CLUSTER SLOTS answered with a range that is no list');
    const [from, to, master] = range;
    if (!isSlot(from) || !isSlot(to) || from > to || !Array.isArray(master)) {
      throw new Error('CLUSTER SLOTS answered with a range that is none');
    }
    const [host, port] = master;
    if (!isPort(port)) throw new Error('CLUSTER SLOTS answered with a server without a port');
    table.assign(from, to, { host: hostText(host) || asked.host, port });
  }
  return table;
}

function hostText(host: unknown): string {
  const text = host === null || host === undefined ? '' : String(host);
  return text === '?' ? '' : text;
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < slotCount;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

/** Where a server of a cluster sends its clients: for good (`moved`), or for one command (`ask`). */
export interface Redirect {
  readonly kind: 'moved' | 'ask';
  readonly slot: number;
  readonly node: NodeAddress;
}

/** Reads `MOVED slot host:port` and `ASK slot host:port`; an empty host is that of the server that was `asked`. */
export function readRedirect(error: unknown, asked: NodeAddress): Redirect | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, kind, slotText, host, portText] = /^(MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})$/.exec(error.message) ?? [];
  const [slot, port] = [Number(slotText), Number(portText)];
  if (kind === undefined || !isSlot(slot) || !isPort(port)) return undefined;
  const node = { host: hostText(host?.replace(/^\[|\]$/g, '')) || asked.host, port };
  return { kind: kind === 'MOVED' ? 'moved' : 'ask', slot, node };
}
