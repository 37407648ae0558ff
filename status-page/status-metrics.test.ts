import { expect, test } from 'vitest';
import { UPDATE_STATES } from '../base/update-states.ts';
import {
  downloadingStatus,
  healthyStatus,
  rescueStatus,
  rolledBackStatus,
  trialStatus,
} from './example-status.ts';
import { unknownUpdate } from './example-updates.ts';
import { statusMetrics } from './status-metrics.ts';

const lines = async (status: Parameters<typeof statusMetrics>[0]) =>
  (await statusMetrics(status).metrics()).split('\n');

test('a status becomes one sample per fact, in base units', async () => {
  const text = await lines(healthyStatus());
  for (const expected of [
    'bulkhead_up 1',
    'bulkhead_slot_state{slot="A",state="active"} 1',
    'bulkhead_slot_state{slot="B",state="standby"} 1',
    'bulkhead_slot_running{slot="A"} 1',
    'bulkhead_boot_attempt 1',
    'bulkhead_health{outcome="healthy"} 1',
    'bulkhead_health{outcome="unhealthy"} 0',
    'bulkhead_uptime_seconds 277442',
    'bulkhead_memory_used_bytes 141557760',
    'bulkhead_temperature_celsius 46.4',
    'bulkhead_clock_offset_seconds -0.0032',
    'bulkhead_interface_carrier{interface="enp2s0"} 1',
    'bulkhead_interface_speed_bits_per_second{interface="enp2s0"} 1000000000',
    'bulkhead_firewall_loaded 1',
    'bulkhead_firewall_rules 31',
    'bulkhead_check_passed{check="verity",decisive="true"} 1',
    'bulkhead_service_state{unit="compliance-agent.service",critical="true",state="running"} 1',
  ]) {
    expect(text).toContain(expected);
  }
});

test('what is not known has no sample, for 0 would be a claim', async () => {
  const text = (await lines(trialStatus())).join('\n');
  expect(text).not.toContain('temperature');
  expect(text).not.toContain('clock_synchronised');
  expect(text).not.toContain('clock_offset');
  expect(await lines(rescueStatus()).then((all) => all.join('\n'))).not.toContain('data_disk');
});

test('a skipped check is neither passed nor failed', async () => {
  const text = (await lines(rescueStatus())).filter((line) => line.startsWith('bulkhead_check_passed'));
  expect(text).toContain('bulkhead_check_passed{check="data-partition",decisive="true"} 0');
  expect(text.join('\n')).not.toContain('check="disk-space"');
});

test('the failing stage of the coordinator is told only where there is a coordinator', async () => {
  expect(await lines(trialStatus())).toContain('bulkhead_coordinator_failing_stage{stage="tls"} 1');
  expect((await lines(healthyStatus())).join('\n')).not.toContain('failing_stage');
});

test('without a status only the alarm remains', async () => {
  const samples = (await lines(null)).filter((line) => line !== '' && !line.startsWith('#'));
  expect(samples).toEqual(['bulkhead_up 0']);
});

test('a hostile host name stays inside its label', async () => {
  const status = healthyStatus();
  status.identity.hostname = 'x"} 1\nbulkhead_up 0\n';
  const text = await lines(status);
  expect(text.filter((line) => line.startsWith('bulkhead_up '))).toEqual(['bulkhead_up 1']);
});

test('an update is one series per state, its progress, and counters over the whole history', async () => {
  const text = await lines(downloadingStatus());
  for (const state of UPDATE_STATES) {
    const value = state === 'downloading' ? 1 : 0;
    expect(text).toContain(`bulkhead_update_state{state="${state}"} ${value}`);
  }
  expect(text).toContain('bulkhead_update_progress_ratio 0.4');
  expect(text).toContain('bulkhead_update_fetched_bytes 63438848');
  expect(text).toContain('bulkhead_updates_total{outcome="succeeded"} 1');
  expect(text).toContain('bulkhead_updates_total{outcome="failed"} 0');
  expect(text).toContain('# TYPE bulkhead_updates_total counter');
  const after = await lines(rolledBackStatus());
  expect(after).toContain('bulkhead_updates_total{outcome="rolled_back"} 1');
  expect(after).toContain('bulkhead_update_last_timestamp_seconds{outcome="rolled_back"} 1795227700.118');
});

test('an update that never was has no progress and no time, and one that is not known has no state', async () => {
  const text = (await lines({ ...healthyStatus(), update: unknownUpdate() })).join('\n');
  expect(text).not.toContain('bulkhead_update_state');
  expect(text).not.toContain('bulkhead_update_progress_ratio');
  expect(text).not.toContain('bulkhead_update_fetched_bytes');
  expect(text).not.toContain('bulkhead_update_last_timestamp_seconds');
  expect(text).toContain('bulkhead_updates_total{outcome="succeeded"} 0');
});
