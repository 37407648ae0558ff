/**
 * What is wrong with a record. malformed: no record at all; changed: its signature is not over it; missing: it is not there; swapped: it
 * stands behind a later one; repeated: it stands there twice; fork: two records follow the same one; start: what came before is not
 * accounted for; key: nobody to be trusted says whose key signed; segment: the segment before was another; checkpoint: what was
 * countersigned was another record; cut: the end is not there; manifest: the list of an export is not that of its key.
 */
export type FaultKind =
  | 'malformed'
  | 'changed'
  | 'missing'
  | 'swapped'
  | 'repeated'
  | 'fork'
  | 'start'
  | 'key'
  | 'segment'
  | 'checkpoint'
  | 'cut'
  | 'manifest';

/** Where a line stands. */
export interface Place {
  /** Name of the file. */
  file: string;
  /** From 1. */
  line: number;
}

/** The first bad record. */
export interface Fault extends Place {
  kind: FaultKind;
  /** Chain and number of the record; null where nothing says which one it would be. */
  chain: string | null;
  seq: number | null;
  /** A sentence for people. */
  message: string;
}

/** What is wrong, before it is known where it stands. Without `chain` and `seq` it is about the record that would stand here. */
export type Complaint = Pick<Fault, 'kind' | 'message'> & Partial<Pick<Fault, 'chain' | 'seq'>>;

/** Found in the middle of a check; leaves it by being thrown. */
export class FaultFound extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.name = 'FaultFound';
    this.fault = fault;
  }
}
