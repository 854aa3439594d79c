import { responseTooLarge } from './errors.ts';

const newline = 10;

/**
 * Splits a stream of UTF-8 into lines, without their ends; empty ones are left out, and so is a last one that was cut
 * off. A line of more than `limit` bytes is what `tooLong` says, `CLUSTER_RESPONSE_TOO_LARGE` where it is absent.
 */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  limit: number,
  tooLong = () => responseTooLarge(`the API server sent an event of more than ${limit} bytes`),
): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let bytes = 0;
  const hold = (part: Buffer): void => {
    held.push(part);
    bytes += part.length;
    if (bytes > limit) throw tooLong();
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      const line = Buffer.concat(held).toString('utf8');
      held = [];
      bytes = 0;
      if (line !== '') yield line;
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
}
