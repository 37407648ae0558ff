import {
  AGENT_REQUEST_FILE,
  CLOCK_SYNCHRONISED_FILE,
  POWER_ANSWER_FILE,
  POWER_REQUEST_FILE,
  TAKEN_REQUEST_FILE,
} from '../../base/paths.ts';

/** Files beside those of the facts. */
export interface OrderPaths {
  updateRequest: string;
  takenRequest: string;
  powerRequest: string;
  powerAnswer: string;
  clockSynchronised: string;
}

export const ORDER_PATHS: OrderPaths = {
  updateRequest: AGENT_REQUEST_FILE,
  takenRequest: TAKEN_REQUEST_FILE,
  powerRequest: POWER_REQUEST_FILE,
  powerAnswer: POWER_ANSWER_FILE,
  clockSynchronised: CLOCK_SYNCHRONISED_FILE,
};
