import type { Writable } from 'node:stream';
import { Command } from 'ioredis';

/**
 * EVALSHA whose bytes go to the socket as they stand. The client's own command joins all arguments in one more buffer:
 * for a batch, a copy of nearly everything that the process sends.
 */
export class ScriptCommand extends Command {
  constructor(sha: string, keys: readonly string[], args: readonly (string | Buffer)[]) {
    super('evalsha', [sha, String(keys.length), ...keys, ...args], { replyEncoding: 'utf8' });
  }

  /** Writes all but the last of its text, to leave with whatever else is written in this turn, and returns that. */
  override toWritable(socket: Writable): string {
    let text = `*${this.args.length + 1}\r\n$${this.name.length}\r\n${this.name}\r\n`;
    let corked = false;
    for (const arg of this.args as (string | Buffer)[]) {
      if (typeof arg === 'string') {
        text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
        continue;
      }
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(() => socket.uncork());
      }
      socket.write(`${text}$${arg.length}\r\n`);
      socket.write(arg);
      text = '\r\n';
    }
    return text;
  }
}
