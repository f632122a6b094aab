import { Readable } from 'node:stream'
import type { Logger } from '@c2d/runtime'
import { STEP_NAMES, type Executor, type JobState } from '../executor.ts'
import { assertJobId, isJobId } from '../job-id.ts'
import { REFUSED_VOLUME, readMemory } from './anchor-memory.ts'
import { buildNeverJob, buildOwner } from './build-objects.ts'
import type { ClusterClient } from './cluster-client.ts'
import { countPods } from './count-pods.ts'
import { createStory } from './story.ts'
import { discardInputs } from './discard-inputs.ts'
import { endStep } from './end-step.ts'
import { ensurePolicies } from './ensure-policies.ts'
import { makeObject } from './make-object.ts'
import { createMoves } from './moves.ts'
import { buildAnchorName } from './names.ts'
import { openNamespaceRoom, type NamespaceRoom } from './namespace-room.ts'
import { prepareJob, type PreparedJob } from './prepared-job.ts'
import { removeJob } from './remove-job.ts'
import { startRemedies } from './remedies.ts'
import type { ClusterSettings } from './settings.ts'
import { startAttempt } from './start-attempt.ts'
import { openStepLog } from './step-log.ts'
import { parseJob } from './views.ts'

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
  const nextMove = moves.next.bind(moves)
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
    else forget(jobId)
    moves.tell(jobId)
  }

  function forget(jobId: string): void {
    told.delete(jobId)
    story.forget(jobId)
  }

  function findRoom(jobId: string): NamespaceRoom | undefined {
    return [...rooms.values()].find((room) => room.anchors.get(buildAnchorName(jobId)) !== undefined)
  }

  /** The job where it is; asks the cluster where the watches do not know it (yet). */
  async function findPrepared(jobId: string): Promise<PreparedJob | null> {
    for (const isFresh of [false, true]) {
      for (const room of rooms.values()) {
        if (isFresh) await room.refresh(jobId)
        const anchor = room.findAnchor(jobId)
        if (!anchor || !room.observe(jobId).prepared) continue
        const environment = environments.get(anchor.data['environment'] ?? '')
        if (!environment) throw new Error(`job ${jobId} is of an environment that is not served here`)
        return { room, anchor, environment }
      }
    }
    return null
  }

  const story = createStory({ signal: closing.signal }, deps)
  const remedies = startRemedies({ rooms, environments, signal: closing.signal }, { client, log })

  for (const namespace of new Set(settings.environments.map((environment) => environment.namespace))) {
    await ensurePolicies(namespace, deps)
    rooms.set(namespace, await openNamespaceRoom({ namespace, signal: closing.signal }, { client, onMove, log }))
  }

  return {
    name: 'kubernetes',
    algorithmWaitsForStaging: settings.seal !== null,
    endsShowLate: true, // kubelet looks at its containers once a second

    async prepare(jobId, environmentId, claim) {
      assertJobId(jobId)
      const id = environmentId ?? (environments.size === 1 ? settings.environments[0]?.id : undefined)
      const environment = environments.get(id ?? '')
      if (!environment) throw new Error(`there is no environment ${id ?? '(unnamed)'} to prepare job ${jobId} in`)
      const room = rooms.get(environment.namespace)
      if (!room) throw new Error(`namespace ${environment.namespace} is not open`)
      if (room.observe(jobId).prepared) return
      await prepareJob(room, { jobId, environment, claim }, { settings, client, log })
    },

    async start(jobId, step, spec, attempt = 1) {
      assertJobId(jobId)
      const found = await findPrepared(jobId)
      if (!found) throw new Error(`job ${jobId} is not prepared`)
      await startAttempt(found, { jobId, step, spec, attempt }, { settings, client, nextMove, log })
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
      return openStepLog(room, { jobId, step }, { client, nextMove, signal: closing.signal })
    },

    async stop(jobId, step, reason, attempt = 1) {
      assertJobId(jobId)
      const found = await findPrepared(jobId)
      if (!found) return
      const { anchor, environment, room } = found
      let objects = room.findAttempt(jobId, step, attempt)
      if (!objects && !readMemory(anchor, step, attempt)) {
        const request = { jobId, step, attempt, environment, image: settings.images.configure }
        const job = buildNeverJob(request, reason, buildOwner(anchor))
        const { made, isNew } = await makeObject('jobs', job, parseJob, client)
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
      await discardInputs(found, settings.images.configure, { client, nextMove })
    },

    async remove(jobId) {
      assertJobId(jobId)
      const known = [...rooms.values()].filter((room) => room.jobIds().has(jobId))
      for (const room of known.length > 0 ? known : rooms.values()) {
        await removeJob(room, jobId, { client, nextMove })
      }
      forget(jobId)
    },

    tell(jobId, claim, notes) {
      const room = findRoom(jobId)
      if (room) story.tell(room, jobId, claim, notes)
    },

    countPods: () => countPods([...rooms.values()], settings.environments),

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
}

/** What `observe` shows of a job, as one text to compare. */
function describeState({ prepared, steps }: JobState): string {
  const parts = STEP_NAMES.map((step) => {
    const state = steps[step]
    return state.phase === 'absent' ? '-' : `${state.phase}${state.attempt}`
  })
  return [prepared, ...parts].join(' ')
}
