import { z } from 'zod';
import { described } from './schema.ts';

const deliveryFields = z.object({
  channel: described(
    z
      .string()
      .min(1)
      .max(120)
      .regex(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
        'is no channel: write letters, digits, `.`, `_` and `-`, a letter or digit first (the namespace is added by itself)',
      )
      .optional(),
    "Name of the channel, within the namespace; the set's own name when absent.",
    { examples: ['nifty-weekly'] },
  ),
  format: described(
    z.enum(['json', 'arrow']).default('json'),
    'How a batch is encoded: one JSON object, or one Arrow IPC stream. Latest values are JSON in both.',
  ),
  pubsub: described(z.boolean().default(true), "Publish batches on the set's channel."),
  sharded: described(
    z.boolean().default(false),
    'Publish on one sharded channel for each slice instead, `ticks:{SLICE UID}:NAMESPACE:CHANNEL`: a Redis Cluster then does not carry each batch to all of its servers.',
  ),
  stream: described(
    z
      .object({
        maxLength: described(
          z.int().min(100).max(10_000_000).default(10_000),
          'Batches kept, about; older ones are trimmed.',
        ),
      })
      .optional(),
    'Keep batches in a Redis Stream for each slice, so that a reader can resume by id. Off when absent.',
  ),
  latest: described(z.boolean().default(true), 'Keep the newest row of each instrument in a hash.'),
  window: described(
    z.int().min(0).max(10_000).default(100),
    'Milliseconds that a batch is gathered for; 0 sends the ticks of each frame at once.',
  ),
  maxTicks: described(
    z.int().min(1).max(10_000).default(1000),
    'Ticks after which a batch is sent before its window ends.',
  ),
  conflate: described(z.boolean().default(false), 'Keep only the newest tick of an instrument in a batch.'),
});
export const delivery = described(deliveryFields, 'Where and how batches arrive.', {
  cel: [
    {
      rule: '!self.sharded || self.pubsub',
      message: 'sharded says how pubsub publishes, which is off; turn pubsub on, or leave sharded out',
    },
    {
      rule: 'self.pubsub || self.latest || has(self.stream)',
      message:
        'pubsub and latest are off and there is no stream, so that nothing would be delivered; turn one of them on',
    },
  ],
});

export type DeliverySpec = z.infer<typeof delivery>;

/** The full name of a set's channel. */
export function channelName(namespace: string, channel: string): string {
  return `ticks:${namespace}:${channel}`;
}
