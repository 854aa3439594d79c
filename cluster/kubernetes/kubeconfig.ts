import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ApiServerConfig, LoadOptions } from './config.ts';
import { type CredentialSource, fixedCredential, readBounded, TokenFile } from './credentials.ts';
import { kubeconfigInvalid } from './errors.ts';
import { ExecCredentials, execPlugin } from './exec-credentials.ts';

const text = z.string().nullish();
const cluster = z.looseObject({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'proxy-url': text,
});
const user = z.looseObject({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  username: text,
  exec: execPlugin.nullish(),
  'auth-provider': z.looseObject({ name: z.string() }).nullish(),
});
const context = z.looseObject({ cluster: z.string(), user: z.string(), namespace: text });
const entries = z.array(z.looseObject({ name: z.string() })).nullish();
/** What an entry holds is judged when it is used: a broken one that is not does no harm. */
const kubeconfig = z.looseObject({
  clusters: entries,
  users: entries,
  contexts: entries,
  'current-context': text,
});

type Cluster = z.infer<typeof cluster>;
type User = z.infer<typeof user>;

/** Entries of several files by name; of two of one name the first counts, as with kubectl. */
class Entries {
  readonly #entries = new Map<string, { value: unknown; directory: string }>();

  add(entries: readonly Record<string, unknown>[] | null | undefined, key: string, directory: string): void {
    for (const entry of entries ?? []) {
      const name = String(entry['name']);
      if (!this.#entries.has(name)) this.#entries.set(name, { value: entry[key] ?? {}, directory });
    }
  }

  /** The entry, and the directory that its paths are relative to. */
  get<T extends z.ZodType>(what: string, name: string, schema: T): { value: z.infer<T>; directory: string } {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      const known = [...this.#entries.keys()].slice(0, 20).join(', ');
      throw kubeconfigInvalid(`there is no ${what} '${name}'; there are: ${known === '' ? 'none' : known}`);
    }
    const result = schema.safeParse(entry.value);
    if (!result.success) throw kubeconfigInvalid(`${what} '${name}': ${issues(result.error)}`);
    return { value: result.data, directory: entry.directory };
  }
}

/**
 * Reads kubeconfig files, merged as kubectl does. Users may have a token, a token file, a client certificate, or a
 * credential plugin (`exec`). `KUBECONFIG_INVALID` says what is wrong, and never a value.
 */
export async function kubeconfigFromFiles(paths: readonly string[], options: LoadOptions): Promise<ApiServerConfig>;
/** Undefined where none of the files is there. */
export async function kubeconfigFromFiles(
  paths: readonly string[],
  options: LoadOptions,
  presence: 'optional',
): Promise<ApiServerConfig | undefined>;
export async function kubeconfigFromFiles(
  paths: readonly string[],
  options: LoadOptions,
  presence?: 'optional',
): Promise<ApiServerConfig | undefined> {
  const [clusters, users, contexts] = [new Entries(), new Entries(), new Entries()];
  let current = options.context;
  let found = 0;
  for (const path of paths) {
    const file = await readKubeconfig(path, presence === 'optional' || paths.length > 1);
    if (file === undefined) continue;
    found++;
    const directory = dirname(resolve(path));
    clusters.add(file.clusters, 'cluster', directory);
    users.add(file.users, 'user', directory);
    contexts.add(file.contexts, 'context', directory);
    current ??= file['current-context'] || undefined;
  }
  if (found === 0 && presence === 'optional') return undefined;
  if (found === 0) throw kubeconfigInvalid(`none of ${paths.join(', ')} is there`);
  if (current === undefined) throw kubeconfigInvalid(`${paths.join(', ')}: no current-context is set`);
  const chosen = contexts.get('context', current, context).value;
  const server = clusters.get('cluster', chosen.cluster, cluster);
  const who = users.get('user', chosen.user, user);
  const ca = await pem(server.value, 'certificate-authority', server.directory);
  const url = serverUrl(server.value, chosen.cluster);
  return {
    server: url,
    namespace: chosen.namespace || 'default',
    ...(ca === undefined ? {} : { ca }),
    ...(server.value['tls-server-name'] ? { serverName: server.value['tls-server-name'] } : {}),
    ...(server.value['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    ...impersonation(who.value),
    credentials: await credentialsOf(chosen.user, who, server.value, options),
  };
}

async function readKubeconfig(path: string, optional: boolean): Promise<z.infer<typeof kubeconfig> | undefined> {
  const content = await readBounded(path).catch((error: NodeJS.ErrnoException) => {
    if (optional && error.code === 'ENOENT') return undefined;
    throw kubeconfigInvalid(`${path} cannot be read (${error.code ?? error.message})`);
  });
  if (content === undefined) return undefined;
  const document = parseYaml(path, content);
  const result = kubeconfig.safeParse(document ?? {});
  if (result.success) return result.data;
  throw kubeconfigInvalid(`${path}: ${issues(result.error)}`);
}

/** Fields and what is wrong with them; zod's messages quote no value. */
function issues(error: z.ZodError): string {
  const said = error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
  return said.join('; ');
}

/** A YAML parser quotes the line that it stumbled over, which may hold a token: only the place is passed on. */
function parseYaml(path: string, content: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    const [at] = error instanceof Error && 'linePos' in error && Array.isArray(error.linePos) ? error.linePos : [];
    throw kubeconfigInvalid(`${path} is not valid YAML${at === undefined ? '' : `: line ${at.line}`}`);
  }
}

function serverUrl({ server, 'proxy-url': proxy }: Cluster, name: string): URL {
  if (proxy) throw kubeconfigInvalid(`cluster '${name}': proxy-url is not supported`);
  const url = URL.parse(server);
  if (url === null) throw kubeconfigInvalid(`cluster '${name}': server is no URL`);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) return url;
  throw kubeconfigInvalid(`cluster '${name}': server must be https (http only on this machine, as of kubectl proxy)`);
}

async function credentialsOf(
  name: string,
  { value, directory }: { value: User; directory: string },
  { server, ...rest }: Cluster,
  { clock, env }: LoadOptions,
): Promise<CredentialSource> {
  const { exec, token, tokenFile } = value;
  if (value['auth-provider']) {
    const provider = value['auth-provider'].name;
    throw kubeconfigInvalid(`user '${name}': auth-provider '${provider}' is not supported; use a credential plugin`);
  }
  if (value.username) {
    throw kubeconfigInvalid(`user '${name}': API servers take no password since Kubernetes 1.19; use a token`);
  }
  if (exec) {
    const info = {
      server,
      'certificate-authority-data': rest['certificate-authority-data'] ?? undefined,
      'tls-server-name': rest['tls-server-name'] ?? undefined,
    };
    // A relative path with a folder is relative to the file; a bare name is looked for on the PATH.
    const command = exec.command.includes('/') ? resolve(directory, exec.command) : exec.command;
    return new ExecCredentials({ plugin: { ...exec, command }, clock, env, cluster: info });
  }
  const certificate = await pem(value, 'client-certificate', directory);
  const key = await pem(value, 'client-key', directory);
  if ((certificate === undefined) !== (key === undefined)) {
    throw kubeconfigInvalid(`user '${name}': client-certificate and client-key belong together`);
  }
  const pair = certificate === undefined || key === undefined ? {} : { certificate, key };
  if (tokenFile) return new TokenFile(resolve(directory, tokenFile), clock, pair);
  return fixedCredential({ ...pair, ...(token ? { token: token.trim() } : {}) });
}

/** The PEM of a field: inline (`FIELD-data`, base64), or in a file. */
async function pem(entry: Record<string, unknown>, field: string, directory: string): Promise<string | undefined> {
  const inline = entry[`${field}-data`];
  if (typeof inline === 'string' && inline !== '') return Buffer.from(inline, 'base64').toString('utf8');
  const path = entry[field];
  if (typeof path !== 'string' || path === '') return undefined;
  return readBounded(resolve(directory, path)).catch((error: NodeJS.ErrnoException) => {
    throw kubeconfigInvalid(`${field} ${path} cannot be read (${error.code ?? error.message})`);
  });
}

function impersonation(who: User): { impersonate?: Record<string, string | string[]> } {
  if (!who.as) return {};
  return {
    impersonate: {
      'Impersonate-User': who.as,
      ...(who['as-uid'] ? { 'Impersonate-Uid': who['as-uid'] } : {}),
      ...(who['as-groups']?.length ? { 'Impersonate-Group': who['as-groups'] } : {}),
    },
  };
}
