import fc from 'fast-check';
import { expect, it } from 'vitest';
import { getValue, LAYERS, type Layer, mergeLayers } from './layers.ts';
import { builtInConfig, CONFIG_KEYS } from './schema.ts';

/** Layers whose values tell which layer they came from; validity of values is not what merging is about. */
const layers = fc
  .uniqueArray(fc.constantFrom('image', 'device', 'environment') as fc.Arbitrary<Layer['layer']>)
  .chain((names) =>
    fc.tuple(
      ...names.map((layer) =>
        fc.subarray([...CONFIG_KEYS.keys()].filter((key) => key !== 'config_version')).map(
          (keys): Layer => ({
            layer,
            values: new Map(keys.map((key) => [key, { value: `${layer}:${key}`, source: layer, line: 1 }])),
          }),
        ),
      ),
    ),
  ) as fc.Arbitrary<Layer[]>;

it('gives every key the value of the strongest layer that sets it, and says so', () => {
  fc.assert(
    fc.property(layers, (given) => {
      const { config, origins } = mergeLayers(given);
      for (const key of CONFIG_KEYS.keys()) {
        const strongest = LAYERS.findLast((name) =>
          given.some(({ layer, values }) => layer === name && values.has(key)),
        );
        expect(origins[key]?.layer).toBe(strongest ?? 'built-in');
        expect(getValue(config, key)).toEqual(
          strongest ? `${strongest}:${key}` : getValue(builtInConfig(), key),
        );
      }
    }),
  );
});

it('does not depend on the order the layers are given in', () => {
  fc.assert(
    fc.property(layers, (given) => {
      expect(mergeLayers([...given].reverse())).toEqual(mergeLayers(given));
    }),
  );
});

it('gives back what lies below when a layer is removed: what it did not set is as before', () => {
  fc.assert(
    fc.property(layers, fc.nat(), (given, pick) => {
      const removed = given[pick % Math.max(1, given.length)];
      const without = given.filter((layer) => layer !== removed);
      const [all, rest] = [mergeLayers(given), mergeLayers(without)];
      for (const key of CONFIG_KEYS.keys()) {
        if (all.origins[key]?.layer === removed?.layer) continue;
        expect(rest.origins[key]).toEqual(all.origins[key]);
        expect(getValue(rest.config, key)).toEqual(getValue(all.config, key));
      }
      expect(mergeLayers([...without, ...(removed ? [removed] : [])])).toEqual(all);
    }),
  );
});

it('hands out values that can be changed without changing the layer', () => {
  const values = new Map([['time.servers', { value: ['a'], source: 's', line: null }]]);
  mergeLayers([{ layer: 'device', values }]).config.time.servers.push('b');
  expect(mergeLayers([{ layer: 'device', values }]).config.time.servers).toEqual(['a']);
});
