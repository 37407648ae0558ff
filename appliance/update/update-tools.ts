import {
  AGENT_REQUEST_FILE,
  BOOT_LOG_FOLDER,
  CLOCK_SYNCHRONISED_FILE,
  DEVICE_KEYSET_FILE,
  IMAGE_KEYSET_FILE,
  OPERATOR_REQUEST_FILE,
  PENDING_UPDATE_FILE,
  REJECTED_RELEASES_FILE,
  TAKEN_REQUEST_FILE,
  TRANSFER_JOURNAL_FILE,
  UPDATE_HISTORY_FILE,
  UPDATE_PROGRESS_FILE,
  VERDICT_JOURNAL_FILE,
} from '../../base/paths.ts';
import { type JsonFile, jsonFile } from '../../updater/state/json-file.ts';
import { PendingUpdate, RejectedReleases, UpdateProgress } from '../../updater/state/records.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { APPLIANCE_TOOLS, type SlotsTools } from '../slots/slots-tools.ts';
import { TakenRequest } from './request-file.ts';

/** What `bulkhead update` needs from outside; a test hands in a folder that looks like an appliance (lab/). */
export interface UpdateTools {
  slots: SlotsTools;
  pending: JsonFile<PendingUpdate>;
  rejected: JsonFile<RejectedReleases>;
  progress: JsonFile<UpdateProgress>;
  /** What the service works on. */
  request: JsonFile<TakenRequest>;
  config(): LoadedConfig;
  paths: UpdatePaths;
}

export interface UpdatePaths {
  transferJournal: string;
  history: string;
  imageKeyset: string;
  deviceKeyset: string;
  verdictJournal: string;
  bootLogs: string;
  dmiFolder: string;
  agentRequest: string;
  operatorRequest: string;
  clockSynchronised: string;
}

/** Of the state files. */
export interface UpdateStatePaths {
  pending: string;
  rejected: string;
  progress: string;
  request: string;
}

export function updateStateFiles(
  paths: UpdateStatePaths,
): Pick<UpdateTools, 'pending' | 'rejected' | 'progress' | 'request'> {
  return {
    pending: jsonFile(paths.pending, PendingUpdate, 'the pending update'),
    rejected: jsonFile(paths.rejected, RejectedReleases, 'the list of rejected releases'),
    progress: jsonFile(paths.progress, UpdateProgress, 'the progress of the update'),
    request: jsonFile(paths.request, TakenRequest, 'the request for an update'),
  };
}

export const APPLIANCE_UPDATE_TOOLS: UpdateTools = {
  slots: APPLIANCE_TOOLS,
  ...updateStateFiles({
    pending: PENDING_UPDATE_FILE,
    rejected: REJECTED_RELEASES_FILE,
    progress: UPDATE_PROGRESS_FILE,
    request: TAKEN_REQUEST_FILE,
  }),
  config: loadConfig,
  paths: {
    transferJournal: TRANSFER_JOURNAL_FILE,
    history: UPDATE_HISTORY_FILE,
    imageKeyset: IMAGE_KEYSET_FILE,
    deviceKeyset: DEVICE_KEYSET_FILE,
    verdictJournal: VERDICT_JOURNAL_FILE,
    bootLogs: BOOT_LOG_FOLDER,
    dmiFolder: '/sys/class/dmi/id',
    agentRequest: AGENT_REQUEST_FILE,
    operatorRequest: OPERATOR_REQUEST_FILE,
    clockSynchronised: CLOCK_SYNCHRONISED_FILE,
  },
};
