import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FactTree, makeFactTree } from './fact-tree.ts';
import { readHardware } from './hardware.ts';
import { parseMemory, readLoad, readMemory, readTemperature, readUptime } from './system.ts';

let tree: FactTree;
beforeEach(() => {
  tree = makeFactTree();
});
afterEach(() => tree.remove());

describe('on the machine this test runs on', () => {
  test('memory, uptime and load are those of the kernel', () => {
    const memory = readMemory('/proc');
    expect(memory.total_bytes).toBeGreaterThan(64 * 1024 * 1024);
    expect(memory.used_bytes).toBeGreaterThan(0);
    expect(memory.used_bytes).toBeLessThan(memory.total_bytes);
    expect(readUptime('/proc')).toBeGreaterThan(0);
    expect(readLoad('/proc')).toHaveLength(3);
  });
});

test('memory that caches could give back is not counted as used', () => {
  const text =
    'MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:     600 kB\nCached: 500 kB\n';
  expect(parseMemory(text)).toEqual({ total_bytes: 1000 * 1024, used_bytes: 400 * 1024 });
});

test('what /proc does not say is not known', () => {
  expect(parseMemory('MemTotal: 1000 kB\n')).toBeNull();
  expect(readUptime(`${tree.root}/proc`)).toBeNull();
  expect(readLoad(`${tree.root}/proc`)).toEqual([]);
});

describe('the temperature', () => {
  test('is that of the processor, not of the disk that happens to come first', () => {
    tree.write('sys/class/hwmon/hwmon0/name', 'nvme\n');
    tree.write('sys/class/hwmon/hwmon0/temp1_input', '33000\n');
    tree.write('sys/class/hwmon/hwmon1/name', 'acpitz\n');
    tree.write('sys/class/hwmon/hwmon1/temp1_input', '20000\n');
    tree.write('sys/class/hwmon/hwmon2/name', 'k10temp\n');
    tree.write('sys/class/hwmon/hwmon2/temp1_input', '51250\n');
    expect(readTemperature(`${tree.root}/sys`)).toBe(51.25);
  });

  test('falls back to a thermal zone', () => {
    tree.write('sys/class/thermal/cooling_device0/cur_state', '0\n');
    tree.write('sys/class/thermal/thermal_zone0/temp', '44000\n');
    expect(readTemperature(`${tree.root}/sys`)).toBe(44);
  });

  test.each(['-273150', '255000', 'n/a', ''])('is not known when the sensor says %j', (value) => {
    tree.write('sys/class/hwmon/hwmon0/name', 'k10temp\n');
    tree.write('sys/class/hwmon/hwmon0/temp1_input', `${value}\n`);
    expect(readTemperature(`${tree.root}/sys`)).toBeNull();
  });

  test('is not known without a sensor', () => {
    expect(readTemperature(`${tree.root}/sys`)).toBeNull();
  });
});

describe('the hardware', () => {
  test('is what DMI says', () => {
    tree.write('sys/class/dmi/id/product_name', 'HP t640 Thin Client\n');
    tree.write('sys/class/dmi/id/sys_vendor', 'HP\n');
    expect(readHardware(`${tree.root}/sys`)).toEqual({ product: 'HP t640 Thin Client', vendor: 'HP' });
  });

  test('is not known where the board maker left a placeholder or nothing', () => {
    tree.write('sys/class/dmi/id/product_name', 'To be filled by O.E.M.\n');
    expect(readHardware(`${tree.root}/sys`)).toEqual({ product: null, vendor: null });
  });
});
