import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import {
  BLOCK_BYTES,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';
import { BOOT_FILE_MAX_BYTES } from './limits.ts';

/** What is going to be installed, checked as far as that is possible without reading all of it. */
export interface InstallSource {
  imagePath: string;
  manifest: SlotManifest;
  loader: Uint8Array;
  script: Uint8Array;
}

/** @throws BulkheadError INSTALL_IMAGE_INVALID, INSTALL_BOOT_FILES_MISSING */
export function openSource(imagePath: string, bootFilesFolder: string): InstallSource {
  return {
    imagePath,
    manifest: readManifest(imagePath),
    loader: readBootFile(join(bootFilesFolder, 'BOOTX64.EFI')),
    script: readBootFile(join(bootFilesFolder, 'grub.cfg')),
  };
}

function readManifest(imagePath: string): SlotManifest {
  const invalid = (why: string, cause?: unknown) =>
    new BulkheadError('INSTALL_IMAGE_INVALID', `${imagePath} is not a whole slot image: ${why}`, {
      cause,
      hint: 'the medium is damaged or was written incompletely: write it again, or use another stick',
    });
  let file: number;
  try {
    file = openSync(imagePath, 'r');
  } catch (cause) {
    throw invalid('it cannot be opened', cause);
  }
  try {
    const size_bytes = fstatSync(file).size;
    const header = new Uint8Array(BLOCK_BYTES);
    readSync(file, header, 0, header.length, 0);
    const footerStart_bytes = footerOffset(header.subarray(0, 512));
    if (footerStart_bytes === undefined) throw invalid('it does not start with a slot header');
    const footer = new Uint8Array(FOOTER_BYTES);
    readSync(file, footer, 0, footer.length, footerStart_bytes);
    const manifest = parseFooter(footer);
    if (manifest.blob_bytes !== footerStart_bytes + FOOTER_BYTES || manifest.blob_bytes !== size_bytes) {
      throw invalid(`it has ${size_bytes} bytes, its manifest says ${manifest.blob_bytes}`);
    }
    if (manifest.verity.data_blocks * BLOCK_BYTES !== manifest.data_bytes) {
      throw invalid('its manifest contradicts itself');
    }
    return manifest;
  } catch (cause) {
    if (cause instanceof BulkheadError && cause.code === 'INSTALL_IMAGE_INVALID') throw cause;
    throw invalid('its header or footer cannot be read', cause);
  } finally {
    closeSync(file);
  }
}

function readBootFile(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size === 0 || size > BOOT_FILE_MAX_BYTES) throw new Error(`it has ${size} bytes`);
    return readFileSync(path);
  } catch (cause) {
    throw new BulkheadError('INSTALL_BOOT_FILES_MISSING', `the boot loader file ${path} cannot be used`, {
      cause,
      hint: 'the medium is damaged: write it again',
    });
  }
}
