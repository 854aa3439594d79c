/** The few things that a spool asks of a directory. Every method rejects with the system's error. */
export interface SpoolFiles {
  /** Names of the files that are there; makes the directory where it is missing. */
  list(): Promise<string[]>;
  read(name: string): Promise<Uint8Array>;
  /** `length` bytes from `offset`, or fewer where the file ends. */
  readAt(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Adds to the end of a file, which is made where it is missing. `durable`: and waits for the device. */
  append(name: string, bytes: Uint8Array, durable?: boolean): Promise<void>;
  /** Replaces a file, whole or not at all. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Does nothing where there is no such file. */
  remove(name: string): Promise<void>;
}
