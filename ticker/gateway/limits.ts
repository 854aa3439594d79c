export interface GatewayLimits {
  /** Streams open at once; one more is turned away with 503. */
  readonly maxClients: number;
  /**
   * Bytes that may wait for one client. Past it, batches are dropped and counted; once a quarter of it waits or less,
   * the client is told how many and given the latest values, and goes on from there.
   */
  readonly clientBytes: number;
  /** Milliseconds between pings, and for which a client may show no sign of life. */
  readonly keepalive: number;
  /** Milliseconds that closing waits for clients to take what is queued for them. */
  readonly drain: number;
}

export const defaultLimits: GatewayLimits = {
  maxClients: 256,
  clientBytes: 4 * 1024 * 1024,
  keepalive: 15_000,
  drain: 1000,
};
