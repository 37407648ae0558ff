/**
 * States of an update, in their order, as appliances report them: to the coordinator, on the status page, by `bulkhead update status`.
 * Source: the interfaces that others use already (docs/reference/status-api.md).
 */
export const UPDATE_STATES = [
  'pending',
  'notified',
  'downloading',
  'ready',
  'rebooting',
  'verifying',
  'succeeded',
  'failed',
  'rolled_back',
] as const;

export type UpdateState = (typeof UPDATE_STATES)[number];
