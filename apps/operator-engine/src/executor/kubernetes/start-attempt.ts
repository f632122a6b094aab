import type { Logger } from '@c2d/runtime'
import type { StepName, StepSpec } from '../executor.ts'
import { awaitVolume } from './await-volume.ts'
import { REFUSED_VOLUME, buildMemoryKey, readMemory, remember, type Memory } from './anchor-memory.ts'
import { buildFiles, buildJob, buildOwner } from './build-objects.ts'
import type { ClusterClient } from './cluster-client.ts'
import { gatherLogs } from './gather-logs.ts'
import { chooseSeal } from './job-seal.ts'
import { makeObject, makeOnce } from './make-object.ts'
import { LABEL, buildFilesName, buildJobName } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { refuseObject } from './out-of-room.ts'
import type { PodRequest } from './pod-request.ts'
import type { PreparedJob } from './prepared-job.ts'
import { isReleasable } from './release-step.ts'
import type { ClusterSettings } from './settings.ts'
import { parseJob } from './views.ts'

interface Attempt {
  jobId: string
  step: StepName
  spec: StepSpec
  attempt: number
}

interface StartDeps {
  settings: ClusterSettings
  client: ClusterClient
  nextMove: (jobId: string, timeoutMs: number) => Promise<void>
  log: Logger
}

/**
 * Starts an attempt of a step, unless it was started before: by whom and when does not matter.
 * @throws Error when the attempt before it has not ended
 * @throws ClusterFullError while a quota leaves no room
 */
export async function startAttempt(job: PreparedJob, attempt: Attempt, deps: StartDeps): Promise<void> {
  const { anchor, room } = job
  const { jobId, step, attempt: number } = attempt
  if (room.findAttempt(jobId, step, number) || readMemory(anchor, step, number)) return
  if (number > 1 && !hasEnded(room, jobId, step, number - 1)) {
    await room.refresh(jobId)
    if (!hasEnded(room, jobId, step, number - 1))
      throw new Error(`attempt ${number - 1} of step ${step} of job ${jobId} has not ended`)
  }
  await makeAttempt(job, attempt, deps)
}

async function makeAttempt(
  { anchor, environment, room }: PreparedJob,
  { jobId, step, spec, attempt }: Attempt,
  { client, log, nextMove, settings }: StartDeps,
): Promise<void> {
  const owner = buildOwner(anchor)
  const at = new Date().toISOString()
  const key = buildMemoryKey(step, attempt)
  const volumeRefused = anchor.data[REFUSED_VOLUME]
  if (volumeRefused !== undefined) return remember(room, anchor, { [key]: volumeRefused }, client)
  const logs = step === 'publish' ? await gatherLogs(room, jobId, client) : {}
  const files = { ...spec.files, ...logs }
  const hasFiles = Object.keys(files).length > 0
  const preferredNode = room.podsOf(jobId).find(({ nodeName }) => nodeName !== null)?.nodeName ?? null
  const filesSecret = hasFiles ? buildFilesName(jobId, step, attempt) : null
  const epoch = anchor.labels[LABEL.epoch]
  const request: PodRequest = {
    ...{ jobId, step, attempt, epoch, spec, environment, filesSecret, preferredNode },
    settings: { ...settings, seal: chooseSeal(anchor, settings.seal) },
  }
  // Pods that wait for staging must not take the room that staging needs.
  const isHeld = step === 'algorithm' && !isReleasable(room, jobId, environment.startEarly)
  const memory: Memory = { at }
  try {
    // First: kubelet that meets a pod before its Secret, and a scheduler before its volume, try again only later.
    await Promise.all([
      hasFiles ? makeOnce('secrets', buildFiles(request, files, owner), client) : null,
      awaitVolume(room, jobId, nextMove),
    ])
    const [made, noted] = await Promise.allSettled([
      makeObject('jobs', buildJob(request, owner, isHeld), parseJob, client),
      // A stranger's code never runs twice as one attempt, also where somebody deletes its Job (DESIGN §4.11).
      spec.kind === 'algorithm' ? remember(room, anchor, { [key]: JSON.stringify(memory) }, client) : null,
    ])
    // Both are over before a refusal is noted: the later note counts.
    if (made.status === 'rejected') throw made.reason
    room.jobs.take(made.value.made)
    if (noted.status === 'rejected') throw noted.reason
  } catch (thrown) {
    const where = { room, anchor, placeMs: environment.placeSeconds * 1000 }
    const refused = await refuseObject(where, { key, thrown, nowMs: Date.now() }, client)
    log.warn({ jobId, step, attempt, ...refused }, 'the cluster refuses a step')
  }
}

function hasEnded(room: NamespaceRoom, jobId: string, step: StepName, attempt: number): boolean {
  if (room.observeAttempt(jobId, step, attempt).phase !== 'ended') return false
  if (room.findAttempt(jobId, step, attempt)) return true
  // One whose Job was deleted may still be dying.
  const name = buildJobName(jobId, step, attempt)
  return !room.podsOf(jobId).some(({ owner, phase }) => owner === name && (phase === 'Running' || phase === 'Pending'))
}
