import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect } from '@jest/globals'
import { storedResultListSchema, type StepPublish, type StoredResult } from '@c2d/contracts'
import { createFilesystemStore, createResultStores, type ResultStore, type ResultStores } from '@c2d/storage'
import { createOutputDelivery } from '../deliver-output.ts'
import { createJobLog } from '../job-log.ts'
import { publishJob } from '../publish.ts'
import { LIMITS, root } from './volume.ts'

export const JOB = 'a'.repeat(32)

/** Where results go: a folder, a new one for each test of the file that imports this. */
export let results: string
export let stores: ResultStores
/** What the step said. */
export let said: string

beforeEach(async () => {
  results = await mkdtemp(join(tmpdir(), 'c2d-results-'))
  stores = createResultStores({ targets: [{ backend: 'filesystem', root: results }] })
  said = ''
})
afterEach(async () => {
  await rm(results, { recursive: true, force: true })
})

/** Publishes what is on the volume, delivering nothing. */
export async function publish(over: Partial<StepPublish> = {}, to: ResultStores = stores) {
  const log = createJobLog({ write: (text) => (said += text) })
  const deliver = createOutputDelivery(null, { say: () => undefined })
  const outcome = await publishJob(
    { jobId: JOB, root, publish: { ...LIMITS, ...over } },
    { stores: to, log, deliver, pausesMs: [1, 1] },
  )
  expect(storedResultListSchema.parse(outcome.rows)).toEqual(outcome.rows)
  return outcome
}

/** The places of the configuration, of which one more does as it is told. */
export function withSecond(put: ResultStore['put']): ResultStores {
  const second = { ...createFilesystemStore({ root: join(results, 'second') }), put }
  return { ...stores, targets: [...stores.targets, { backend: 's3', store: second }] }
}

/** The same places, in which putting does as it is told. */
export function withPut(change: (put: ResultStore['put']) => ResultStore['put']): ResultStores {
  const targets = stores.targets.map(({ backend, store }) => ({
    backend,
    store: { ...store, put: change((...args) => store.put(...args)) },
  }))
  return { ...stores, targets }
}

/** What is stored at the address of a row. */
export async function read(row: StoredResult | undefined): Promise<string> {
  return (await buffer(await stores.open(row?.url ?? ''))).toString()
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
