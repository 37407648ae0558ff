import { expect, test } from 'vitest';
import { flipBit, installLab, OLD, rootOf } from '../../test/unit/install-lab.ts';
import { writeDeltaBundle } from '../bundle/write-delta.ts';
import { changeKeyset } from '../signing/keyset-edit.ts';
import {
  generateSigner,
  signedKeyset,
  TEST_RELEASE,
  TEST_ROOT,
  testKeysets,
  testTrust,
  withRoles,
} from '../testing/test-keys.ts';
import { deltaSuffix } from './release-place.ts';

const lab = installLab();
const { image, bundleFile, url, full, install, steps } = lab;

test('the keys that a delta brings hold for the full bundle of the same run', async () => {
  const fresh = generateSigner();
  const second = changeKeyset(
    testTrust().keyset,
    { add: [withRoles(fresh, 'release')], revoke: [TEST_RELEASE.key_id], reason: 'lost' },
    Date.parse('2026-02-01T00:00:00Z'),
  );
  const keysets = [...testKeysets(), signedKeyset(second, TEST_ROOT)];
  const file = `${bundleFile('new')}${deltaSuffix(rootOf(OLD))}`;
  await full('new');
  await writeDeltaBundle(file, {
    ...{ slot_image: image('new'), base_image: image('old'), signers: [fresh], keysets },
  });
  flipBit(file, -1);
  await expect(install(url('new.bundle'))).rejects.toMatchObject({ code: 'KEYS_REVOKED' });
  expect(steps).toEqual(['trust', 'discard']);
});
