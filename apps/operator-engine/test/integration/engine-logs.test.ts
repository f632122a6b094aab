import { loadEngineOfJob, notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld, type RunningEngine } from './support/engine-world.ts'

const SECRET = 'the secret of the engine tests'
const isRunning = (job: JobRow): boolean => job.status === 40
const TALKER = `console.log('first'); let n = 0; setInterval(() => console.log('line ' + n++), 200)`

let world: EngineWorld
let engine: RunningEngine
beforeAll(async () => {
  world = await createEngineWorld()
  engine = await world.startEngine({ ENGINE_SECRET: SECRET })
})
afterAll(() => world.close())

const fetchLog = (base: string, jobId: string, secret = SECRET): Promise<Response> =>
  fetch(`${base}/jobs/${jobId}/logs`, { headers: { authorization: `Bearer ${secret}` } })

async function readUntil(response: Response, word: string): Promise<string> {
  let said = ''
  const decoder = new TextDecoder()
  for await (const part of response.body ?? []) {
    said += decoder.decode(part as Uint8Array, { stream: true })
    if (said.includes(word)) return said
  }
  return said
}

describe('the live log', () => {
  it('is read from its first byte while the algorithm runs, at the address its engine announces', async () => {
    const jobId = await world.queueJob(TALKER)
    await world.waitForJob(jobId, isRunning)
    const announced = await loadEngineOfJob(world.db, jobId)
    expect(announced?.url).toBe(engine.url())

    let response = await fetchLog(announced?.url ?? '', jobId)
    while (response.status === 404) response = await fetchLog(engine.url(), jobId) // about to begin
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await readUntil(response, 'line 3')).toMatch(/^first\nline 0\n/)

    const late = await fetchLog(engine.url(), jobId)
    await requestStop(world.db, { jobId })
    await notifyJobs(world.db)
    expect(await late.text()).toMatch(/^first\nline 0\n[^]*line 3\n/)
  })

  it('error: is nobody’s without the secret, and of no job that has none', async () => {
    const jobId = await world.queueJob(TALKER)
    await world.waitForJob(jobId, isRunning)
    expect((await fetchLog(engine.url(), jobId, 'another')).status).toBe(401)
    expect((await fetch(`${engine.url()}/jobs/${jobId}/logs`)).status).toBe(401)
    expect((await fetchLog(engine.url(), 'f'.repeat(32))).status).toBe(404)
    expect((await fetchLog(engine.url(), '..%2f..')).status).toBe(404)
  })

  it('behaviour: without a secret no log is served, and no address announced', async () => {
    const other = await world.startEngine()
    expect((await fetchLog(other.url(), 'f'.repeat(32), '')).status).toBe(404)
    await waitUntil(async () => {
      const { rows } = await world.db.raw<{ rows: { url: string | null }[] }>('SELECT url FROM engines')
      return rows.some(({ url }) => url === null)
    })
  })
})
