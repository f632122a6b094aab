import { Readable } from 'node:stream'
import { toError, type Logger } from '@c2d/runtime'
import { STEP_NAMES, type Executor, type JobState, type StepName, type StepSpec } from '../executor.ts'
import { assertJobId, isJobId } from '../job-id.ts'
import {
  buildAnchor,
  buildClaim,
  buildDiscardJob,
  buildFiles,
  buildJob,
  buildNeverJob,
  buildOwner,
  buildPolicies,
} from './build-objects.ts'
import type { PodRequest } from './build-pod.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError, isRefusedWith } from './cluster-error.ts'
import { endStep } from './end-step.ts'
import { gatherLogs } from './gather-logs.ts'
import { createMoves } from './moves.ts'
import { buildAnchorName, buildFilesName, buildJobName } from './names.ts'
import {
  REFUSED_VOLUME,
  buildMemoryKey,
  openNamespaceRoom,
  readMemory,
  type Memory,
  type NamespaceRoom,
} from './namespace-room.ts'
import { buildPath, type Kind } from './paths.ts'
import { readStep } from './read-step.ts'
import { isReleasable } from './release-step.ts'
import { removeJob } from './remove-job.ts'
import { startRemedies } from './remedies.ts'
import type { ClusterEnvironment, ClusterSettings } from './settings.ts'
import { openStepLog } from './step-log.ts'
import { parseAnchor, parseClaim, parseJob, type AnchorView } from './views.ts'

const DISCARD_MS = 300_000

/**
 * Runs steps as Jobs of a cluster (DESIGN §5, `kubernetes`). Nothing is remembered here: what is known of a job stands in
 * its objects, which four watches a namespace keep at hand; every write is one that may be repeated, by any engine.
 * @throws ClusterError when the engine lacks rights in one of the namespaces
 */
export async function createKubernetesExecutor(
  settings: ClusterSettings,
  deps: { client: ClusterClient; log: Logger },
): Promise<Executor> {
  const { client, log } = deps
  const closing = new AbortController()
  const moves = createMoves()
  const told = new Map<string, string>()
  const environments = new Map(settings.environments.map((environment) => [environment.id, environment]))
  const rooms = new Map<string, NamespaceRoom>()

  /** Of all that changes in a cluster, only what `observe` shows is told. */
  function onMove(jobId: string): void {
    moves.stir(jobId)
    remedies.look(jobId)
    const room = findRoom(jobId)
    const shown = room ? describeState(room.observe(jobId)) : ''
    if (told.get(jobId) === shown) return
    if (room) told.set(jobId, shown)
    else told.delete(jobId)
    moves.tell(jobId)
  }

  function findRoom(jobId: string): NamespaceRoom | undefined {
    return [...rooms.values()].find((room) => room.anchors.get(buildAnchorName(jobId)) !== undefined)
  }

  function environmentOf(anchor: AnchorView): ClusterEnvironment {
    const environment = environments.get(anchor.data['environment'] ?? '')
    if (!environment) throw new Error(`job ${anchor.jobId} is of an environment that is not served here`)
    return environment
  }

  /** The job's room and anchor; asks the cluster where the watches do not know it (yet). */
  async function findPrepared(jobId: string): Promise<{ room: NamespaceRoom; anchor: AnchorView } | null> {
    for (const isFresh of [false, true]) {
      for (const room of rooms.values()) {
        if (isFresh) await room.refresh(jobId)
        const anchor = room.findAnchor(jobId)
        if (anchor && room.observe(jobId).prepared) return { room, anchor }
      }
    }
    return null
  }

  /** Creates an object, or adopts the one of its name. @returns what is there now, and whether this call made it */
  async function make<T>(
    kind: Kind,
    object: { metadata?: { name?: string; namespace?: string } },
    parse: (value: unknown) => T,
  ) {
    const { name = '', namespace = '' } = object.metadata ?? {}
    try {
      return { made: parse(await client.create(buildPath(namespace, kind), object)), isNew: true }
    } catch (thrown) {
      if (!isRefusedWith(thrown, 409)) throw thrown
      return { made: parse(await client.get(buildPath(namespace, kind, name))), isNew: false }
    }
  }

  /** Notes on the anchor what no other object can say: that an attempt was refused, or was there at all. */
  async function remember(room: NamespaceRoom, anchor: AnchorView, data: Record<string, string>): Promise<void> {
    const patch = { metadata: { uid: anchor.uid }, data }
    room.anchors.take(parseAnchor(await client.patch(buildPath(room.namespace, 'configmaps', anchor.name), patch)))
  }

  const remedies = startRemedies({ rooms, environments, signal: closing.signal }, { client, log })

  async function ensurePolicies(namespace: string): Promise<void> {
    for (const policy of buildPolicies(namespace)) {
      try {
        const { isNew } = await make('networkpolicies', policy, (value) => value)
        if (!isNew) {
          const path = buildPath(namespace, 'networkpolicies', policy.metadata?.name)
          await client.patch(path, { spec: policy.spec })
        }
      } catch (thrown) {
        if (!isRefusedWith(thrown, 403)) throw thrown
        log.warn({ namespace, err: toError(thrown) }, 'the network policies are somebody else’s to keep')
      }
    }
  }

  for (const namespace of new Set(settings.environments.map((environment) => environment.namespace))) {
    await ensurePolicies(namespace)
    rooms.set(namespace, await openNamespaceRoom({ namespace, signal: closing.signal }, { client, onMove, log }))
  }

  async function startAttempt(
    { room, anchor }: { room: NamespaceRoom; anchor: AnchorView },
    { jobId, step, spec, attempt }: { jobId: string; step: StepName; spec: StepSpec; attempt: number },
  ): Promise<void> {
    const environment = environmentOf(anchor)
    const owner = buildOwner(anchor)
    const at = new Date().toISOString()
    const key = buildMemoryKey(step, attempt)
    const volumeRefused = anchor.data[REFUSED_VOLUME]
    if (volumeRefused !== undefined) {
      await remember(room, anchor, { [key]: volumeRefused })
      return
    }
    const logs = step === 'publish' ? await gatherLogs(room, jobId, client) : {}
    const files = { ...spec.files, ...logs }
    const hasFiles = Object.keys(files).length > 0
    const preferredNode = room.podsOf(jobId).find(({ nodeName }) => nodeName !== null)?.nodeName ?? null
    const filesSecret = hasFiles ? buildFilesName(jobId, step, attempt) : null
    const request: PodRequest = { jobId, step, attempt, spec, environment, settings, filesSecret, preferredNode }
    // Pods that wait for staging must not take the room that staging needs.
    const isHeld = step === 'algorithm' && !isReleasable(room, jobId, environment.startEarly)
    const job = buildJob(request, owner, isHeld)
    try {
      // First: kubelet that meets a pod before its Secret tries again only later.
      if (hasFiles) await make('secrets', buildFiles(request, files, owner), () => null)
      const [{ made }] = await Promise.all([
        make('jobs', job, parseJob),
        // A stranger's code never runs twice as one attempt, also where somebody deletes its Job (DESIGN §4.11).
        spec.kind === 'algorithm' ? remember(room, anchor, { [key]: JSON.stringify({ at } satisfies Memory) }) : null,
      ])
      room.jobs.take(made)
    } catch (thrown) {
      const refused = readRefusedObject(thrown)
      if (!refused) throw thrown
      log.warn({ jobId, step, attempt, ...refused }, 'the cluster refuses a step')
      await remember(room, anchor, { [key]: JSON.stringify({ at, refused } satisfies Memory) })
    }
  }

  return {
    name: 'kubernetes',
    algorithmWaitsForStaging: settings.seal !== null,

    async prepare(jobId, environmentId) {
      assertJobId(jobId)
      const id = environmentId ?? (environments.size === 1 ? settings.environments[0]?.id : undefined)
      const environment = environments.get(id ?? '')
      if (!environment) throw new Error(`there is no environment ${id ?? '(unnamed)'} to prepare job ${jobId} in`)
      const room = rooms.get(environment.namespace)
      if (!room) throw new Error(`namespace ${environment.namespace} is not open`)
      if (room.observe(jobId).prepared) return
      const { made: anchor } = await make('configmaps', buildAnchor(jobId, environment), parseAnchor)
      room.anchors.take(anchor)
      try {
        const { made } = await make(
          'persistentvolumeclaims',
          buildClaim(jobId, environment, buildOwner(anchor)),
          parseClaim,
        )
        room.claims.take(made)
      } catch (thrown) {
        const refused = readRefusedObject(thrown)
        if (!refused) throw thrown
        log.warn({ jobId, ...refused }, 'the cluster refuses a volume')
        const memory: Memory = { at: new Date().toISOString(), refused }
        await remember(room, anchor, { [REFUSED_VOLUME]: JSON.stringify(memory) })
      }
    },

    async start(jobId, step, spec, attempt = 1) {
      assertJobId(jobId)
      const found = await findPrepared(jobId)
      if (!found) throw new Error(`job ${jobId} is not prepared`)
      const { room } = found
      if (room.findAttempt(jobId, step, attempt) || readMemory(found.anchor, step, attempt)) return
      if (attempt > 1 && !hasEnded(room, jobId, step, attempt - 1)) {
        await room.refresh(jobId)
        if (!hasEnded(room, jobId, step, attempt - 1))
          throw new Error(`attempt ${attempt - 1} of step ${step} of job ${jobId} has not ended`)
      }
      await startAttempt(found, { jobId, step, spec, attempt })
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- the watches know; the port allows for those that must ask
    async observe(jobId): Promise<JobState> {
      assertJobId(jobId)
      const room = findRoom(jobId)
      if (room) return room.observe(jobId)
      const absent = { phase: 'absent' } as const
      return { prepared: false, steps: { configure: absent, algorithm: absent, filter: absent, publish: absent } }
    },

    logs(jobId, step) {
      assertJobId(jobId)
      const room = findRoom(jobId)
      if (!room) return Readable.from([])
      return openStepLog(room, { jobId, step }, { client, nextMove: moves.next.bind(moves), signal: closing.signal })
    },

    async stop(jobId, step, reason, attempt = 1) {
      assertJobId(jobId)
      const found = await findPrepared(jobId)
      if (!found) return
      const { room, anchor } = found
      let objects = room.findAttempt(jobId, step, attempt)
      if (!objects && !readMemory(anchor, step, attempt)) {
        const request = { jobId, step, attempt, environment: environmentOf(anchor), image: settings.images.configure }
        const { made, isNew } = await make('jobs', buildNeverJob(request, reason, buildOwner(anchor)), parseJob)
        room.jobs.take(made)
        if (isNew) return
        objects = { job: made, pod: null }
      }
      if (objects) await endStep(room, objects, { reason }, client)
    },

    async discardInputs(jobId) {
      assertJobId(jobId)
      const found = await findPrepared(jobId)
      if (!found || found.anchor.data[REFUSED_VOLUME] !== undefined) return
      const { room, anchor } = found
      const environment = environmentOf(anchor)
      const job = buildDiscardJob({ jobId, environment, image: settings.images.configure }, buildOwner(anchor))
      room.jobs.take((await make('jobs', job, parseJob)).made)
      const giveUpAtMs = Date.now() + DISCARD_MS
      for (;;) {
        const objects = room.findAttempt(jobId, 'discard', 1)
        if (!objects) return // removed meanwhile
        const state = readStep(objects)
        if (state.phase === 'ended') {
          if (state.exitCode === 0) return
          // Made anew by whoever asks next.
          await client.delete(buildPath(room.namespace, 'jobs', buildJobName(jobId, 'discard', 1)), {
            propagationPolicy: 'Background',
          })
          throw new Error(`the inputs of job ${jobId} could not be discarded: ${state.message ?? state.exitCode}`)
        }
        if (Date.now() > giveUpAtMs) throw new Error(`the inputs of job ${jobId} are not discarded in time`)
        await moves.next(jobId, 5_000)
      }
    },

    async remove(jobId) {
      assertJobId(jobId)
      const known = [...rooms.values()].filter((room) => room.jobIds().has(jobId))
      for (const room of known.length > 0 ? known : rooms.values()) {
        await removeJob(room, jobId, { client, nextMove: moves.next.bind(moves) })
      }
      told.delete(jobId)
    },

    changes: (signal) => moves.follow(signal ? AbortSignal.any([signal, closing.signal]) : closing.signal),

    // eslint-disable-next-line @typescript-eslint/require-await -- see observe
    async list() {
      const ids = [...rooms.values()].flatMap((room) => [...room.jobIds()])
      return [...new Set(ids)].filter(isJobId)
    },

    close() {
      closing.abort()
      client.close()
      return Promise.resolve()
    },

    describe() {
      const sandboxes = new Set(settings.environments.map(({ runtimeClass }) => runtimeClass ?? 'the default runtime'))
      const gate = settings.seal ? 'behind a seal gate' : 'WITHOUT a seal gate'
      return `kubernetes executor, algorithms in pods without network, ${gate}, in ${[...sandboxes].join(', ')}`
    },
  }

  function hasEnded(room: NamespaceRoom, jobId: string, step: StepName, attempt: number): boolean {
    if (room.observeAttempt(jobId, step, attempt).phase !== 'ended') return false
    if (room.findAttempt(jobId, step, attempt)) return true
    // One whose Job was deleted may still be dying.
    const name = buildJobName(jobId, step, attempt)
    return !room
      .podsOf(jobId)
      .some(({ owner, phase }) => owner === name && (phase === 'Running' || phase === 'Pending'))
  }
}

/** What an object that the cluster refuses means for its step; null where asking again may help. */
function readRefusedObject(thrown: unknown): Memory['refused'] | null {
  if (!(thrown instanceof ClusterError) || ![400, 403, 422].includes(thrown.status)) return null
  const message = thrown.message.slice(0, 1000)
  return /exceeded quota/i.test(message) ? { reason: 'Unschedulable', message } : { reason: 'StartFailed', message }
}

/** What `observe` shows of a job, as one text to compare. */
function describeState({ prepared, steps }: JobState): string {
  const parts = STEP_NAMES.map((step) => {
    const state = steps[step]
    return state.phase === 'absent' ? '-' : `${state.phase}${state.attempt}`
  })
  return [prepared, ...parts].join(' ')
}
