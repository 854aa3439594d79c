/** A batch or heartbeat as it was published. */
export interface Published {
  readonly channel: string;
  readonly payload: string | Uint8Array;
}

/** Stops a subscription. */
export type Unsubscribe = () => Promise<void>;

/** The reading side of a sink: what a gateway is made of. */
export interface SinkReader {
  /** Calls `deliver` with everything published on `channel` from now on, in order. */
  subscribe(channel: string, deliver: (message: Published) => void): Promise<Unsubscribe>;
  /** Newest row of each instrument of a set, over all slices: instrument → JSON. */
  latest(setUid: string): Promise<ReadonlyMap<string, string>>;
  /** Batches of one slice's stream after `afterId` (`0` for the oldest kept), at most `limit`. */
  range(
    sliceUid: string,
    setUid: string,
    afterId: string,
    limit: number,
  ): Promise<readonly { id: string; payload: string | Uint8Array }[]>;
  /** The same backwards: batches before `beforeId` (`+` for the newest), the newest first. */
  rangeBack(
    sliceUid: string,
    setUid: string,
    beforeId: string,
    limit: number,
  ): Promise<readonly { id: string; payload: string | Uint8Array }[]>;
  /** UIDs of the slices that have delivered to a set. */
  slices(setUid: string): Promise<readonly string[]>;
  close(): Promise<void>;
}
