/** What was found out about one thing at one moment, whoever looked. */
export interface Detection {
  /** 'appliance', a sensor's id (`s-` and 16 hex digits) or a target (`t-NAME`). */
  subject: string;
  hostname: string;
  /** As the one who looked names it: firewall, bitlocker, patches, ssh, …; lower case [a-z0-9_.-]{1,64}. */
  check_type: string;
  passed: boolean;
  expected: string;
  actual: string;
  /** The control it speaks of, e.g. '164.312(a)(1)'; null: the register's mapping of check_type counts. */
  control: string | null;
  severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
  /** Unix seconds as the one who looked said it. */
  at_s: number;
  metadata: Readonly<Record<string, string>>;
}

/** What became of a detection. */
export interface Receipt {
  /** `e-` and 32 hex digits: made from the detection itself, so a repetition has the same. */
  event_id: string;
  /** false: it was known already, nothing has changed. */
  first: boolean;
  /** What it did to the finding of (subject, check_type). */
  transition: 'opened' | 'still_open' | 'closed' | 'none';
}
