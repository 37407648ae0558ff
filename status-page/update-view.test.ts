import { describe, expect, test } from 'vitest';
import { UPDATE_STATES } from '../base/update-states.ts';
import {
  downloadingUpdate,
  neverUpdated,
  rolledBackUpdate,
  unknownUpdate,
  updatedOnce,
  verifyingUpdate,
} from './example-updates.ts';
import type { UpdateProgressStatus } from './update-section.ts';
import { outcomeBadge, progressView, updateBadge } from './update-view.ts';

describe('the state of the update', () => {
  test('does not claim a success where there never was an update', () => {
    expect(updateBadge(neverUpdated())).toEqual({ tone: 'plain', word: 'no update yet' });
    expect(updateBadge(updatedOnce())).toEqual({ tone: 'good', word: 'succeeded' });
  });

  test('says that it is not known when it is not', () => {
    expect(updateBadge(unknownUpdate())).toEqual({ tone: 'unknown', word: 'not known' });
  });

  test('is bad where an update came to nothing and waits where one is on its way', () => {
    expect(updateBadge(rolledBackUpdate())).toEqual({ tone: 'bad', word: 'rolled back' });
    expect(updateBadge(downloadingUpdate()).tone).toBe('wait');
    expect(updateBadge(verifyingUpdate()).tone).toBe('wait');
    expect(
      rolledBackUpdate()
        .history.map(outcomeBadge)
        .map(({ tone }) => tone),
    ).toEqual(['bad', 'bad', 'good']);
  });

  test('does not count an update that was taken back as a failure', () => {
    const [entry] = rolledBackUpdate().history;
    expect(entry && outcomeBadge({ ...entry, outcome: 'cancelled' })).toEqual({
      tone: 'plain',
      word: 'cancelled',
    });
  });

  test.each(UPDATE_STATES)('%s has a word that is the same for programs', (state) => {
    expect(updateBadge({ ...updatedOnce(), state }).word.replace(' ', '_')).toBe(state);
  });
});

describe('the progress', () => {
  const view = (change: Partial<UpdateProgressStatus>) => {
    const { progress } = downloadingUpdate();
    if (progress === null) throw new Error('the example has progress');
    return progressView({ ...progress, ...change });
  };

  test('names the step, the part of it that is done, and what came over the network', () => {
    expect(view({})).toEqual({
      step: 'writing slot B',
      part: 0.4,
      done: '192.0 MiB of 480.0 MiB',
      fetched: '60.5 MiB of 147.0 MiB',
    });
    expect(view({ phase: 'read-back' }).step).toBe('reading slot B back');
  });

  test('claims no part of a whole that nobody knows', () => {
    expect(view({ phase: 'checking', total_bytes: null, fetch_total_bytes: null })).toEqual({
      step: 'looking at the release',
      part: null,
      done: null,
      fetched: '60.5 MiB',
    });
    expect(view({ total_bytes: null }).part).toBeNull();
  });
});
