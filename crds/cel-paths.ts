import { isRecord } from './structure.ts';

/** Members that an expression speaks of: those within each, or `true` for the whole of it. */
interface Mentioned {
  [member: string]: true | Mentioned;
}

/**
 * What a rule needs of the value that it judges: only the fields that it names have to be turned into CEL's types. The
 * value as it is where the rule speaks of `self` as a whole.
 *
 * @param rule e.g. `has(self.spec.delivery.channel) || size(self.metadata.name) <= 120`
 */
export function readBy(rule: string): (value: unknown) => unknown {
  const mentioned = mentionedIn(rule);
  return mentioned === true ? (value) => value : (value) => pick(mentioned, value);
}

function mentionedIn(rule: string): true | Mentioned {
  const mentioned: Mentioned = {};
  // A name before a parenthesis is a function's.
  for (const [, path = ''] of rule.matchAll(/\b(?:self|oldSelf)\b((?:\s*\.\s*\w+\b(?!\s*\())*)/g)) {
    const members = path.split('.').map((member) => member.trim());
    if (members.length < 2) return true;
    add(mentioned, members.slice(1));
  }
  return mentioned;
}

function add(mentioned: Mentioned, [first = '', ...rest]: readonly string[]): void {
  const within = Object.hasOwn(mentioned, first) ? mentioned[first] : undefined;
  if (within === true) return;
  if (rest.length === 0) mentioned[first] = true;
  else {
    const deeper = within ?? {};
    mentioned[first] = deeper;
    add(deeper, rest);
  }
}

function pick(mentioned: Mentioned, value: unknown): unknown {
  if (!isRecord(value)) return value;
  const picked: Record<string, unknown> = {};
  for (const [member, within] of Object.entries(mentioned)) {
    if (!Object.hasOwn(value, member)) continue;
    picked[member] = within === true ? value[member] : pick(within, value[member]);
  }
  return picked;
}
