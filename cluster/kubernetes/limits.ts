/** Bounds of what is asked of an API server and taken from it. Times are milliseconds. */

/** A whole exchange, retries that the server asked for included. */
export const requestTimeout = 30_000;
/** Silence of a watch after which it counts as dead: an API server sends a bookmark about once a minute. */
export const watchIdleTimeout = 150_000;
/** Seconds that a watch is asked to last: from this to twice this, so that watches do not all end at once. */
export const watchSeconds = 300;
/** Watches open at once; another one is refused as unavailable. */
export const maxWatches = 1000;
/** Objects of one page of a list. A slice takes up to 256 KiB, so a page of them 25 MiB. */
export const pageSize = 100;
/** Objects of one list; more is `CLUSTER_RESPONSE_TOO_LARGE`. */
export const maxListItems = 200_000;
/** Bytes of one answer; more is `CLUSTER_RESPONSE_TOO_LARGE`. */
export const maxResponseBytes = 64 * 1024 * 1024;
/** Bytes of one event of a watch. etcd stores objects of at most 1.5 MiB. */
export const maxEventBytes = 4 * 1024 * 1024;
/** Bytes of an answer that refuses a watch. */
export const maxRefusalBytes = 256 * 1024;
/** Characters of a server's message that are passed on. */
export const maxMessageLength = 4000;
/** Connections to the server for requests; watches have one each. */
export const maxConnections = 16;
/** Requests under way or waiting for a connection; another one is refused as unavailable. */
export const maxRequests = 1000;
/** An idle connection is closed before the server (90 s) or a middlebox does. */
export const idleConnection = 45_000;
/** Times that a request is sent again because the server said when to (`Retry-After`). */
export const maxRetries = 3;
/** The longest `Retry-After` that is waited for; where it is longer, the caller decides. */
export const maxRetryAfter = 10_000;
/** How old a token that was read from a file may be. The kubelet rewrites it when 80 % of its life is over. */
export const tokenAge = 60_000;
/** Bytes of a token, a certificate or a kubeconfig file. */
export const maxConfigBytes = 1024 * 1024;
/** How long a credential plugin may take: it may ask a person to log in. */
export const execTimeout = 60_000;
/** A credential of a plugin is fetched anew this long before it expires. */
export const execMargin = 10_000;
