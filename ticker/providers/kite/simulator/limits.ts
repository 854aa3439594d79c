/** What the broker allows. The defaults are Kite's; they are configuration because they change. */
export interface SimulatorLimits {
  /** WebSocket connections an API key. */
  connections: number;
  /** Instruments a connection. */
  instruments: number;
  /** What happens to one connection too many: HTTP 429 on upgrade, or the oldest is closed. */
  atLimit: 'refuse' | 'evictOldest';
  /** REST requests a second for each API key; `false` for no limit. */
  requests: { quote: number; historical: number; other: number } | false;
}

export const kiteLimits: SimulatorLimits = {
  connections: 3,
  instruments: 3000,
  atLimit: 'refuse',
  requests: { quote: 1, historical: 3, other: 10 },
};
