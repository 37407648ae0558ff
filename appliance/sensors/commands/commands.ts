/** Commands wait here for a sensor, whichever way it comes; handed out at least once until a result came or the time is over. */

/** One action that a sensor is asked to carry out. */
export interface HealCommand {
  /** Given by the one who asks; the same again is the same command. */
  command_id: string;
  check_type: string;
  /** Name of an action of the closed list. */
  action: string;
  params: Readonly<Record<string, string>>;
  /** What the sensor may take for it. It is handed out for HAND_OUT_S longer. */
  timeout_s: number;
}

/** What a sensor says became of a command. A claim: only a detection after it proves anything. */
export interface CommandResult {
  command_id: string;
  /** Id of the sensor. */
  sensor: string;
  check_type: string;
  success: boolean;
  error_message: string;
  /** Unix seconds as the sensor said it. */
  at_s: number;
  artifacts: Readonly<Record<string, string>>;
}

export interface SensorCommands {
  /** @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, SENSOR_ACTION, SENSOR_TIER, SENSOR_COMMANDS_FULL */
  give(sensor: string, command: HealCommand): void;
  /** What waits for a sensor, oldest first. */
  pending(sensor: string): HealCommand[];
  /** Durable before it resolves; the same result twice is one. */
  result(result: CommandResult): Promise<{ event_id: string; first: boolean }>;
  /** Called behind the commit, once for each first result. @returns ends it */
  onResult(listener: (result: CommandResult) => void): () => void;
  /** Called when a command was given to a sensor, so that who holds a line to it can hand it out at once. @returns ends it */
  onGiven(listener: (sensor: string) => void): () => void;
}
