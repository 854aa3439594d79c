import type { Random } from '../../../runtime/random.ts';

/** Replies of a Redis that is broken, hostile or none, as bytes: from `random` alone, so that a seed repeats them. */
const kinds = ['written', 'already', 'claimFirst', 'ended', 'gap', 'refused', 'claimed', 'marked', '', 'WRITTEN', '%s'];
const numbers = ['0', '1', '7', '9007199254740991', '9007199254740993', '-1', '1e9', 'NaN', ' 3', '0x10', '', '٣'];
const errors = [
  "OOM command not allowed when used memory > 'maxmemory'.",
  'MOVED 1234 127.0.0.1:7001',
  'MOVED 99999 :0',
  'ASK 1 [::1]:7001',
  'ASK',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN The cluster is down',
  'NOSCRIPT No matching script.',
  'NOAUTH Authentication required.',
  'BUSY Redis is busy running a script.',
  'MISCONF errors writing to the AOF file',
  'ERR something',
  '',
];

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

/** What a script might answer, right or nearly right. */
export function answerParts(random: Random): string[] {
  const parts = [pick(random, kinds)];
  for (let i = random.integer(6); i > 0; i--) {
    const number = (): string => pick(random, numbers);
    parts.push(random.integer(3) === 0 ? `${number()}:${number()}:${number()}` : number());
  }
  return parts;
}

/** A reply whose bytes are in order, whatever it says. */
export function reply(random: Random, depth = 0): string {
  switch (random.integer(depth > 3 ? 6 : 12)) {
    case 0:
      return `+${pick(random, kinds)}\r\n`;
    case 1:
      return `-${pick(random, errors)}\r\n`;
    case 2:
      return `:${pick(random, ['0', '-1', '16384', '99999999999999999999'])}\r\n`;
    case 3:
      return pick(random, ['$-1\r\n', '*-1\r\n', '*0\r\n']);
    case 4:
    case 5:
      return bulk(pick(random, [...numbers, ...kinds]));
    case 6: {
      const items = Array.from({ length: random.integer(5) }, () => reply(random, depth + 1));
      return `*${items.length}\r\n${items.join('')}`;
    }
    default: {
      const parts = answerParts(random);
      return `*${parts.length}\r\n${parts.map(bulk).join('')}`;
    }
  }
}

/** A reply whose bytes were changed, cut or drawn out of thin air. */
export function brokenReply(random: Random): Buffer {
  const bytes = Buffer.from(reply(random));
  switch (random.integer(6)) {
    case 0:
      return bytes.subarray(0, random.integer(bytes.length + 1));
    case 1:
      return Buffer.from(`${pick(random, ['*', '$', '%', '~', '>', '='])}${pick(random, huge)}\r\n`);
    case 2:
      return Buffer.from('*1\r\n'.repeat(1 + random.integer(5000)));
    case 3:
      return Buffer.from(Array.from({ length: random.integer(40) }, () => random.integer(256)));
    case 4:
      return Buffer.from(pick(random, others));
    default:
      for (let flips = 1 + random.integer(3); flips > 0; flips--) {
        bytes[random.integer(bytes.length)] = random.integer(256);
      }
      return bytes;
  }
}

/** What the protocol's next version has, which nobody asked for; and what ends a connection. */
const others = [
  ...['_\r\n', '#t\r\n', ',1.5\r\n', '(12345678901234567890\r\n', '~1\r\n+a\r\n', '>1\r\n_\r\n', '%1\r\n+a\r\n+b\r\n'],
  "-READONLY You can't write against a read only replica.\r\n",
  '-LOADING Redis is loading the dataset in memory\r\n',
];
const huge = ['4294967296', '999999999999999', '1000000', '-5', '1e3', '', '00000000001', '18446744073709551616'];

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
