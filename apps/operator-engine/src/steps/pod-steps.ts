import { STEP_FILE, type StepDownloads, type StepReport, type StepWorkflow, type StoredWorkflow } from '@c2d/contracts'
import type { EnvironmentConfig } from '../config.ts'
import type { StepSpec } from '../executor/executor.ts'
import { buildOutputFile } from './output-file.ts'
import { buildStepPublish } from './publish-settings.ts'
import { stepLimits } from './step-limits.ts'

/** How long our own pods may take, in seconds; the reference waits for ever (operator-engine-behaviour E-07). */
export const POD_MAX_SECONDS = { configure: 3_600, publish: 3_600 }

const MIN_POD_RAM_GB = 0.5

/** How a pod of ours is started: argv before its flags, its settings, and files that every step of it gets. */
export interface PodProgram {
  command: string[]
  env: Record<string, string>
  files?: Record<string, string>
}

/** The configure step: the workflow, its download tokens and its report token, in files only it sees. */
export function buildConfigureStep(
  job: { jobId: string; workflow: StoredWorkflow; report: StepReport; downloads: StepDownloads },
  environment: EnvironmentConfig,
  program: PodProgram,
): StepSpec {
  return podStep(job.jobId, environment, program, POD_MAX_SECONDS.configure, {
    [STEP_FILE.workflow]: JSON.stringify(withoutEvidence(job.workflow)),
    [STEP_FILE.report]: JSON.stringify(job.report),
    [STEP_FILE.downloads]: JSON.stringify(job.downloads),
  })
}

/** The publish step: its report token and its limits; where results go, and the keys for it, is the program's file. */
export function buildPublishStep(
  job: { jobId: string; workflow: StoredWorkflow | null; report: StepReport },
  environment: EnvironmentConfig,
  program: PodProgram,
): StepSpec {
  return podStep(job.jobId, environment, program, POD_MAX_SECONDS.publish, {
    [STEP_FILE.report]: JSON.stringify(job.report),
    [STEP_FILE.publish]: JSON.stringify(buildStepPublish(environment, job.workflow)),
    ...buildOutputFile(environment, job.workflow),
  })
}

/** What the consumer signed, and what a start was judged by, is for the proof; no pod needs it. */
function withoutEvidence({ spec }: StoredWorkflow): StepWorkflow {
  const stages = spec.metadata.stages.map(({ evidence: _evidence, ...stage }) => stage)
  return { ...spec.metadata, stages }
}

function podStep(
  jobId: string,
  environment: EnvironmentConfig,
  program: PodProgram,
  maxSeconds: number,
  files: Record<string, string>,
): StepSpec {
  const limits = stepLimits(environment, maxSeconds)
  return {
    kind: 'program',
    command: [...program.command, '--workflowid', jobId],
    env: program.env,
    files: { ...program.files, ...files },
    // What an environment grants algorithms does not starve our own pods.
    limits: { ...limits, memoryBytes: Math.max(limits.memoryBytes, MIN_POD_RAM_GB * 1024 ** 3) },
  }
}
