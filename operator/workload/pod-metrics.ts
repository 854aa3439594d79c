import { request } from 'node:http';

/** What is read of a shard's `/metrics`. */
export interface PodCounts {
  /** Lines of level error or fatal, and background tasks that failed, since its start. */
  readonly errors: number;
  /** Ticks that wait for the sink, in memory or in the spool. */
  readonly held: number;
}

/** Milliseconds that a pod has to answer. */
const timeout = 2_000;
const maxBytes = 4 * 1024 * 1024;

/** Asks a shard at `HOST:PORT`; undefined where it does not answer. */
export async function readPodCounts(address: string): Promise<PodCounts | undefined> {
  try {
    return countsIn(await get(`http://${address}/metrics`));
  } catch {
    // A pod that does not answer is judged by its readiness.
    return undefined;
  }
}

/** Sums over series of Prometheus' text format. */
export function countsIn(text: string): PodCounts {
  let errors = 0;
  let held = 0;
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = '0'] = /^([a-z_]+)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
    if (name === 'ticker_task_failures_total') errors += Number(value);
    else if (name === 'ticker_log_lines_total' && /level="(error|fatal)"/.test(labels)) errors += Number(value);
    else if (name === 'ticker_outbox_ticks') held += Number(value);
  }
  return { errors, held };
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, timeout }, (message) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      message.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) message.destroy(new RangeError('the answer is too long'));
        else chunks.push(chunk);
      });
      message.once('error', reject);
      message.once('end', () => {
        if (message.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`status ${message.statusCode}`));
      });
    });
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error(`no answer for ${timeout} ms`)));
    sent.end();
  });
}
