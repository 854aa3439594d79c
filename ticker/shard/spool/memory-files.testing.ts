import type { SpoolFiles } from './files.ts';

/** A directory in memory that fails to order: full at a size, unwritable, or cut off at any byte as by a crash. */
export class MemoryFiles implements SpoolFiles {
  readonly files = new Map<string, Uint8Array>();
  /** Bytes that may still be written; what is over it is cut off, and the write fails. */
  room = Number.POSITIVE_INFINITY;
  unwritable = false;
  /** After a crash nothing happens any more. */
  crashed = false;
  writes = 0;

  async list(): Promise<string[]> {
    return [...this.files.keys()];
  }

  async read(name: string): Promise<Uint8Array> {
    return this.#file(name).slice();
  }

  async readAt(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#file(name).slice(offset, offset + length);
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    this.#check();
    this.writes++;
    const old = this.files.get(name) ?? new Uint8Array(0);
    const taken = bytes.subarray(0, Math.min(bytes.length, this.room));
    this.room -= taken.length;
    this.files.set(name, Buffer.concat([old, taken]));
    if (taken.length < bytes.length) throw new Error('ENOSPC: no space left on device');
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#check();
    this.files.set(name, bytes.slice());
  }

  async remove(name: string): Promise<void> {
    if (this.crashed) throw new Error('EIO: crashed');
    this.files.delete(name);
  }

  /** What another process finds. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles();
    for (const [name, bytes] of this.files) copy.files.set(name, bytes.slice());
    return copy;
  }

  #check(): void {
    if (this.unwritable || this.crashed) throw new Error('EROFS: read-only file system');
  }

  #file(name: string): Uint8Array {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw new Error(`ENOENT: ${name}`);
    return bytes;
  }
}
