import type { JobRow } from '@c2d/operator-db'
import type { ChaosJob } from './chaos-job.ts'
import type { Fault } from './schedule.ts'
import type { Witness } from './witness.ts'

/** A fault that strikes a step of one job. */
export type StepFault = Extract<Fault, { kind: 'killRunner' | 'killPod' }>
/** A fault that strikes a program of the place itself. */
export type ProgramFault = Extract<Fault, { kind: 'killProgram' }>

/** Where the steps of a run's jobs run: what engines are told of it, what may be done to it, and what must not be left there. */
export interface ChaosPlace {
  /** As environment variables. @param engine its number */
  settingsOf(engine: number): Record<string, string>
  /** What an environment says of it. */
  readonly environment: Readonly<Record<string, unknown>>
  /** What algorithms run in, and how their lives are told apart: see `buildAlgorithmSource`. */
  readonly container: { image: string; tag: string; checksum: string }
  readonly lives: 'lines' | 'names'
  /** Lets steps reach a port of this machine's loopback. @returns the `host:port` they find it at */
  reach(port: number): Promise<string>
  watch(): Witness
  strike(job: ChaosJob, fault: StepFault): Promise<void>
  /** Kills a program that the place cannot do without, and brings it back; nothing where that was not allowed. */
  killProgram(fault: ProgramFault): Promise<void>
  /** What is left that should not be. */
  listLeft(): Promise<string[]>
  /** What is wrong with a job's results; what they say of the algorithm's lives goes to the witness. */
  checkResults(row: JobRow, witness: Witness): Promise<string[]>
  /** Ends whatever still runs, and removes everything. */
  close(): Promise<void>
}
