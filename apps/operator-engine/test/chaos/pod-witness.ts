import { Secret, sleep } from '@c2d/runtime'
import { z } from 'zod'
import { MAIN_CONTAINER } from '../../src/executor/kubernetes/names.ts'
import { buildStepToken } from '../../src/steps/step-token.ts'
import type { RunLine } from './algorithm-source.ts'
import { createSeenRuns, type Witness } from './witness.ts'

const LOOK_EVERY_MS = 250

const timeSchema = z.string().transform((text) => Date.parse(text))
const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.object({ workflow: z.string() }) }),
      status: z.object({
        containerStatuses: z
          .array(
            z.object({
              name: z.string(),
              restartCount: z.number(),
              state: z.object({
                running: z.object({ startedAt: timeSchema }).optional(),
                terminated: z
                  .object({ startedAt: timeSchema.nullish(), finishedAt: timeSchema.nullish(), exitCode: z.number() })
                  .optional(),
              }),
            }),
          )
          .default([]),
      }),
    }),
  ),
})
type Pod = z.infer<typeof podsSchema>['items'][number]

/**
 * Reads what the cluster says of every algorithm's container: each pod is a life, under the pod's name.
 * @param options.list gives the pods of algorithms, as the API server does
 * @param options.environmentKey which step tokens follow from
 * @param options.endsItself exit codes of an algorithm that came to its end
 */
export function startPodWitness(options: {
  list: () => Promise<unknown>
  environmentKey: string
  endsItself: readonly number[]
}): Witness {
  const seen = createSeenRuns()
  const key = new Secret(options.environmentKey)
  let isOpen = true

  async function watch(): Promise<void> {
    while (isOpen) {
      const pods = await options.list().catch(() => ({ items: [] })) // an API server that was killed shows nothing
      for (const pod of podsSchema.parse(pods).items)
        seen.tell(pod.metadata.labels.workflow, readLife(pod, options.endsItself))
      await sleep(LOOK_EVERY_MS)
    }
  }
  const watching = watch()

  return {
    ...seen,
    tokenOf: (jobId, step) => buildStepToken(key, { jobId, step, attempt: 1 }),
    async close() {
      isOpen = false
      await watching
    },
  }
}

/** The cluster's clock shows whole seconds, so nothing is said of a life that its last second might not have had. */
function readLife({ metadata, status }: Pod, endsItself: readonly number[]): RunLine[] {
  const container = status.containerStatuses.find(({ name }) => name === MAIN_CONTAINER)
  if (!container) return []
  const run = container.restartCount === 0 ? metadata.name : `${metadata.name} again`
  const { running, terminated } = container.state
  if (running) return [{ run, what: 'begun', atMs: running.startedAt }]
  if (!terminated?.startedAt || !terminated.finishedAt) return []
  const what = endsItself.includes(terminated.exitCode) ? 'done' : 'alive'
  return [
    { run, what: 'begun', atMs: terminated.startedAt },
    { run, what, atMs: terminated.finishedAt },
  ]
}
