import type { StepName, StepSpec } from '../executor.ts'
import type { ClusterEnvironment, ClusterSettings } from './settings.ts'

/** One attempt of a step, and where it runs. */
export interface PodRequest {
  jobId: string
  step: StepName
  attempt: number
  /** Of the claim under which it is made, as a label's value. */
  epoch?: string | undefined
  spec: StepSpec
  environment: ClusterEnvironment
  settings: Pick<ClusterSettings, 'images' | 'resultsClaim' | 'seal'>
  /** Name of the Secret with the step's private files; null where it has none. */
  filesSecret: string | null
  /** The node that ran the job's steps so far: its volume is there. */
  preferredNode: string | null
}
