import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpoolFiles } from './files.ts';

/** A spool's files in a directory of a real file system. Only this user may read them. */
export class DiskFiles implements SpoolFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(): Promise<string[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    return await readdir(this.#directory);
  }

  async read(name: string): Promise<Uint8Array> {
    return await readFile(this.#path(name));
  }

  async readAt(name: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#path(name), 'r');
    try {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } finally {
      await file.close();
    }
  }

  async append(name: string, bytes: Uint8Array, durable = false): Promise<void> {
    const file = await open(this.#path(name), 'a', 0o600);
    try {
      // All of it in one request. `writeFile` asks for 512 KiB at a time, and each of them waits for a turn of the event
      // loop: a process that is short of time, which reads megabytes in each, would fall behind.
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
      }
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
