import {
  BOOT_LOG_FOLDER,
  DEVICE_KEYSET_FILE,
  IMAGE_INFO_FILE,
  IMAGE_KEYSET_FILE,
  PENDING_UPDATE_FILE,
  REJECTED_RELEASES_FILE,
  TRANSFER_JOURNAL_FILE,
  UPDATE_HISTORY_FILE,
  UPDATE_LOCK_FILE,
  UPDATE_PROGRESS_FILE,
  VERDICT_JOURNAL_FILE,
} from '../../base/paths.ts';
import { type JsonFile, jsonFile } from '../../updater/state/json-file.ts';
import { PendingUpdate, RejectedReleases, UpdateProgress } from '../../updater/state/records.ts';
import { APPLIANCE_TOOLS, type SlotsTools } from '../slots/slots-tools.ts';

/** What `bulkhead update` needs from outside; a test hands in a folder that looks like an appliance. */
export interface UpdateTools {
  slots: SlotsTools;
  pending: JsonFile<PendingUpdate>;
  rejected: JsonFile<RejectedReleases>;
  progress: JsonFile<UpdateProgress>;
  paths: {
    transferJournal: string;
    history: string;
    lock: string;
    imageKeyset: string;
    deviceKeyset: string;
    imageInfo: string;
    verdictJournal: string;
    bootLogs: string;
    dmiFolder: string;
  };
}

export const APPLIANCE_UPDATE_TOOLS: UpdateTools = {
  slots: APPLIANCE_TOOLS,
  pending: jsonFile(PENDING_UPDATE_FILE, PendingUpdate, 'the pending update'),
  rejected: jsonFile(REJECTED_RELEASES_FILE, RejectedReleases, 'the list of rejected releases'),
  progress: jsonFile(UPDATE_PROGRESS_FILE, UpdateProgress, 'the progress of the update'),
  paths: {
    transferJournal: TRANSFER_JOURNAL_FILE,
    history: UPDATE_HISTORY_FILE,
    lock: UPDATE_LOCK_FILE,
    imageKeyset: IMAGE_KEYSET_FILE,
    deviceKeyset: DEVICE_KEYSET_FILE,
    imageInfo: IMAGE_INFO_FILE,
    verdictJournal: VERDICT_JOURNAL_FILE,
    bootLogs: BOOT_LOG_FOLDER,
    dmiFolder: '/sys/class/dmi/id',
  },
};
