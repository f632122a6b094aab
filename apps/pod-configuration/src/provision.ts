import { chmod, mkdir, statfs, writeFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import {
  JOB_STATUS,
  type Reason,
  type Stage,
  type StagedFile,
  type StepDownloads,
  type StepWorkflow,
} from '@c2d/contracts'
import type { GuardedFetch, GuardedRequest } from '@c2d/http-kit'
import type { ProvisioningStatus } from '@c2d/operator-db/reports'
import pLimit, { type LimitFunction } from 'p-limit'
import { loadDdo } from './assets/load-ddo.ts'
import { openAsset, type OpenAsset } from './assets/open-asset.ts'
import { pathOf, planAlgorithm, planInput, type AssetPlan } from './assets/plan-asset.ts'
import { createFolders, removePartials, type VolumeLayout } from './layout.ts'
import type { ProviderClient } from './provider-client.ts'
import { ProvisionError } from './provision-error.ts'
import type { RetryPolicy } from './staging/backoff.ts'
import { createBufferPool } from './staging/buffer-pool.ts'
import { createHasher } from './staging/hasher.ts'
import { createLaneSlots } from './staging/lane-slots.ts'
import type { ProgressMeter } from './staging/progress.ts'
import { BATCH_BYTES } from './staging/pour-part.ts'
import { createSpaceBudget } from './staging/space-budget.ts'
import { stageFile, type StageFileDeps } from './staging/stage-file.ts'
import type { TransferSettings } from './staging/transfer.ts'
import { writeManifest } from './write-manifest.ts'

/** How provisioning ended: the status to report, and what was staged. */
export interface ProvisionResult {
  status: ProvisioningStatus
  reason: Reason | null
  /** One sentence for the consumer. */
  message: string
  files: StagedFile[]
}

/** How much is done at once, and how much there may be. */
export interface ProvisionSettings {
  transfer: TransferSettings
  /** Files that are fetched at once, of all datasets together; as many connections more may serve the large ones. */
  maxFilesAtOnce: number
  /** Files of all datasets together. */
  maxFiles: number
  /** Bytes of all files together; null leaves it to the volume. */
  maxBytes: number | null
}

export interface ProvisionDeps {
  layout: VolumeLayout
  metadataUri: string | null
  downloads: StepDownloads
  provider: ProviderClient
  fetch: GuardedFetch
  request: GuardedRequest
  progress: ProgressMeter
  /** For what is asked before any file. */
  retry: RetryPolicy
  say: (line: string) => void
  /** Asks the volume how many bytes are free; the file system itself where left out. */
  freeBytes?: () => Promise<number>
}

/** What all assets of one run share. */
interface Run extends StageFileDeps {
  limit: LimitFunction
  /** For assets whose requests must be sent one asset after the other. */
  inTurn: LimitFunction
  settings: ProvisionSettings
  fileCount: number
}

/**
 * Step one of a job (pods-behaviour §1.4): folders, every dataset, custom data, the algorithm. All datasets arrive at
 * once; one that fails does not keep the others from being tried, so that the log tells all that is wrong. The algorithm
 * is then left out.
 */
export async function provision(
  workflow: StepWorkflow,
  settings: ProvisionSettings,
  deps: ProvisionDeps,
): Promise<ProvisionResult> {
  await createFolders(deps.layout)
  const [stage] = workflow.stages
  if (!stage) throw new Error('the workflow has no stage')
  const hasher = createHasher()
  const freeBytes = deps.freeBytes ?? (() => freeBytesOf(deps.layout.inputs))
  const run: Run = {
    hasher,
    space: createSpaceBudget({ maxBytes: settings.maxBytes }, { freeBytes }),
    progress: deps.progress,
    buffers: createBufferPool(BATCH_BYTES),
    extraLanes: createLaneSlots(settings.maxFilesAtOnce),
    limit: pLimit(settings.maxFilesAtOnce),
    inTurn: pLimit(1),
    settings,
    fileCount: 0,
  }
  try {
    return await provisionStage(stage, run, deps)
  } finally {
    await hasher.close()
    await removePartials(deps.layout)
  }
}

async function provisionStage(stage: Stage, run: Run, deps: ProvisionDeps): Promise<ProvisionResult> {
  const files: StagedFile[] = []
  const inputs = await Promise.all(
    stage.input.map(async (input, position) => {
      try {
        const plan = planInput(input, deps.layout)
        return { plan, opened: await open(plan, deps) }
      } catch (thrown) {
        return sayFailure(thrown, 'InputFetchFailed', `Dataset ${input.id ?? position}`, deps)
      }
    }),
  )
  const owners = ownersOf(inputs)
  const outcomes = await Promise.all(
    inputs.map(async (input) => {
      if (input instanceof ProvisionError) return input
      try {
        const stage = () => stageAsset(input, run, deps, (path) => owners.get(path) === input)
        return await (input.opened.isInTurn ? run.inTurn(stage) : stage())
      } catch (thrown) {
        return sayFailure(thrown, 'InputFetchFailed', input.plan.title, deps)
      }
    }),
  )
  for (const outcome of outcomes) if (!(outcome instanceof ProvisionError)) files.push(...outcome)
  const firstFailure = outcomes.find((outcome) => outcome instanceof ProvisionError)
  if (firstFailure) {
    deps.say("Input fetch failed, so we don't need to download the algo")
    return failed(JOB_STATUS.inputFailed.code, firstFailure, files)
  }

  try {
    files.push(...(await provisionAlgorithm(stage, run, deps)))
    await writeManifest(deps.layout, files)
  } catch (thrown) {
    const failure = sayFailure(thrown, 'AlgorithmFetchFailed', 'The algorithm', deps)
    return failed(JOB_STATUS.algorithmFailed.code, failure, files)
  }
  return { status: JOB_STATUS.provisioned.code, reason: null, message: 'Everything is in place.', files }
}

async function provisionAlgorithm({ algorithm }: Stage, run: Run, deps: ProvisionDeps): Promise<StagedFile[]> {
  const { layout, say } = deps
  if ('algocustomdata' in algorithm) {
    await writeFile(layout.customData, JSON.stringify(algorithm.algocustomdata ?? null))
  }
  let files: StagedFile[] = []
  if (algorithm.rawcode) {
    await writeFile(layout.algorithm, algorithm.rawcode)
    say('Wrote the algorithm from the code in the request')
  } else {
    const plan = planAlgorithm(algorithm, layout)
    files = await stageAsset({ plan, opened: await open(plan, deps) }, run, deps, () => true)
  }
  await chmod(layout.algorithm, 0o777)
  return files
}

interface OpenPlan {
  plan: AssetPlan
  opened: OpenAsset
}

async function open(plan: AssetPlan, deps: ProvisionDeps): Promise<OpenAsset> {
  const ddo = await loadDdo(plan.did, deps)
  const opened = await openAsset(plan, ddo, deps)
  plan.acceptCount(opened.count)
  return opened
}

/**
 * Two inputs with one DID share a folder, and the later one's files stand (pods-behaviour §1.10): settled before
 * anything is fetched, since whole files would otherwise replace each other in any order.
 */
function ownersOf(inputs: readonly (OpenPlan | ProvisionError)[]): Map<string, OpenPlan> {
  const owners = new Map<string, OpenPlan>()
  for (const input of inputs) {
    if (input instanceof ProvisionError) continue
    for (let index = 0; index < input.opened.count; index++) owners.set(pathOf(input.plan, index), input)
  }
  return owners
}

async function stageAsset(
  { plan, opened }: OpenPlan,
  run: Run,
  deps: ProvisionDeps,
  isOwner: (path: string) => boolean,
): Promise<StagedFile[]> {
  const { say, layout } = deps
  run.fileCount += opened.count
  if (run.fileCount > run.settings.maxFiles) {
    throw new ProvisionError('InputTooLarge', `The job has more than ${run.settings.maxFiles} files.`)
  }
  await mkdir(plan.folder, { recursive: true })
  const wanted = Array.from({ length: opened.count }, (_, index) => index).filter((index) => {
    const isOurs = isOwner(pathOf(plan, index))
    if (!isOurs) say(`File ${index} of ${plan.title} gives way to that of a later input with the same id`)
    return isOurs
  })
  deps.progress.addFiles(wanted.length)
  say(`Fetching ${plan.title}: ${wanted.length} files`)
  const stageOne = async (index: number): Promise<StagedFile> => {
    const path = pathOf(plan, index)
    const accept = (file: { sizeBytes: number; sha256: string }): void => {
      opened.accept(index, file)
      plan.accept(index, file)
    }
    const staged = await stageFile(
      { origin: await opened.origin(index), path, accept },
      { partialFolder: plan.partialFolder, settings: run.settings.transfer },
      run,
    )
    const hash = plan.tellsHashes ? `, SHA-256 ${staged.sha256}` : ''
    say(`Downloaded file ${index} of ${plan.title}: ${staged.sizeBytes} bytes${hash}`)
    return { did: plan.did, serviceId: opened.serviceId, index, path: pathInVolume(layout, path), ...staged }
  }
  const files: StagedFile[] = []
  const waiting = wanted.values()
  let failure: { error: unknown } | undefined
  // Loops rather than one promise a file: thousands of files that wait would take more room than those on their way.
  const loop = async (): Promise<void> => {
    for (const index of waiting) {
      // The first failure decides; what is on its way ends by itself.
      if (failure) return
      try {
        files.push(await run.limit(() => stageOne(index)))
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(run.settings.maxFilesAtOnce, wanted.length) }, loop))
  if (failure) throw failure.error
  return files.sort((a, b) => a.index - b.index)
}

function pathInVolume(layout: VolumeLayout, path: string): string {
  return relative(layout.root, path).split(sep).join('/')
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function failed(status: ProvisioningStatus, failure: ProvisionError, files: StagedFile[]): ProvisionResult {
  return { status, reason: failure.reason, message: failure.message, files }
}

function sayFailure(thrown: unknown, reason: Reason, what: string, { say }: ProvisionDeps): ProvisionError {
  const failure = asProvisionError(thrown, reason, what)
  say(failure.message)
  return failure
}

function asProvisionError(thrown: unknown, reason: Reason, what: string): ProvisionError {
  if (thrown instanceof ProvisionError) return thrown
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new ProvisionError(reason, `${what} could not be fetched: ${why}`, { cause: thrown })
}
