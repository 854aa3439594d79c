/** What a gateway has done since its start. */
export interface GatewayTraffic {
  /** Streams opened. */
  opened: number;
  /** Streams turned away, by error code. */
  readonly refused: Map<string, number>;
  /** Plain HTTP requests answered, by status. */
  readonly requests: Map<number, number>;
  /** WebSocket messages handed to clients: batches, latest values and notices, each for each client. */
  sent: number;
  /** Their payloads. */
  bytes: number;
  /** Batches that a client that read too slowly did not get, and their ticks as far as they can be told. */
  droppedBatches: number;
  droppedTicks: number;
}

export function newTraffic(): GatewayTraffic {
  return {
    opened: 0,
    refused: new Map(),
    requests: new Map(),
    sent: 0,
    bytes: 0,
    droppedBatches: 0,
    droppedTicks: 0,
  };
}

export function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
