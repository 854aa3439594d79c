/** One file of a spool. */
export interface SpoolSegment {
  readonly name: string;
}

/** Where a spool keeps a batch. */
export interface SpoolPlace {
  readonly segment: SpoolSegment;
  /** Of the record, from the start of the file; bytes. */
  readonly offset: number;
  readonly length: number;
}
