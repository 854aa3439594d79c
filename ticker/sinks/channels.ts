/**
 * A set's channel is `ticks:<namespace>:<channel>`. Where it is sharded there is one for each slice instead,
 * `ticks:{<slice UID>}:<namespace>:<channel>`, and `ticks:{*}:<namespace>:<channel>` stands for all of them. In Redis a
 * sharded one is published on the server that has the slice's keys, and subscribed there, not on all of them.
 */
const prefix = 'ticks:';
const anySlice = '*';
const sharded = /^ticks:\{[^{}]+\}:/;

/** The channel of one slice, of a set's. */
export function sliceChannel(channel: string, sliceUid: string): string {
  return `${prefix}{${sliceUid}}:${channel.slice(prefix.length)}`;
}

/** What stands for the channels of all slices, of a set's channel. */
export function everySliceChannel(channel: string): string {
  return sliceChannel(channel, anySlice);
}

/** A channel as a set has it: that of one slice becomes what stands for all of them. */
export function setChannel(channel: string): string {
  return channel.replace(sharded, `${prefix}{${anySlice}}:`);
}

/** The channel of one slice, of what stands for all of them. */
export function channelOf(everySlice: string, sliceUid: string): string {
  return everySlice.replace(sharded, `${prefix}{${sliceUid}}:`);
}

/** Whether it is the channel of one slice, or stands for those of all. */
export function isSharded(channel: string): boolean {
  return sharded.test(channel);
}

/** Whether it stands for the channels of all slices: nothing is published on it. */
export function isEverySlice(channel: string): boolean {
  return channel.startsWith(`${prefix}{${anySlice}}:`);
}
