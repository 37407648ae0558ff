/** What the sensors' part puts on record; `EvidenceLog` (appliance/evidence) takes it. */
export interface SensorEvidence {
  append(
    entries: readonly {
      kind: 'sensor.admitted' | 'sensor.refused' | 'sensor.revoked' | 'sensor.renewed';
      body: Record<string, string | number | boolean | null>;
    }[],
  ): Promise<unknown>;
}
