import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { notifyJobs, requestStop, type JobRow } from '@c2d/operator-db'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { verifyMessage } from 'ethers'
import { waitUntil } from './executor-conformance.ts'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const isFinished = (job: JobRow): boolean => job.dateFinished !== null
const NOTHING = '// nothing to do here'
const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'

interface Told {
  path: string
  body: { jobId: string; secret: string; DID: string[]; algoDID: string; signature: string }
}

let world: EngineWorld
let told: Told[]
let server: Server
let answer: (path: string) => number | null
beforeEach(async () => {
  told = []
  answer = () => 204
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const path = request.url ?? ''
      told.push({ path, body: JSON.parse(body) as Told['body'] })
      const status = answer(path)
      if (status !== null) response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world = await createEngineWorld()
})
afterEach(async () => {
  await world.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const receiver = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`
const notify = (allow = receiver()) => ({
  NOTIFY_START_URL: `http://${receiver()}/start`,
  NOTIFY_STOP_URL: `http://${receiver()}/stop`,
  OUTBOUND_ALLOW: `${world.origin},${allow}`,
})
const toldTo = (path: string): Told[] => told.filter((each) => each.path === path)

describe('notifications', () => {
  it('tell of the start and the end of each job once, signed by the environment', async () => {
    await Promise.all([world.startEngine(notify()), world.startEngine(notify())])
    const jobIds = await Promise.all([world.queueJob(NOTHING), world.queueJob(`process.exit(1) // not well`)])
    for (const jobId of jobIds) await world.waitForJob(jobId, isFinished)
    await waitUntil(() => told.length >= 4)
    for (const path of ['/start', '/stop']) {
      expect(
        toldTo(path)
          .map(({ body }) => body.jobId)
          .toSorted(),
      ).toEqual(jobIds.toSorted())
    }
    const { secret, DID, jobId, algoDID, signature } = told[0]!.body
    const signed = `${JSON.stringify(secret)}["${DID.join('", "')}"]${JSON.stringify(jobId)}${JSON.stringify(algoDID)}`
    expect(verifyMessage(signed, signature)).toBe(ADDRESS)
  })

  it('behaviour: a receiver that fails is told again; one that never answers holds up nobody', async () => {
    answer = (path) => (path === '/stop' ? null : toldTo('/start').length === 1 ? 500 : 200)
    await world.startEngine(notify())
    for (let nth = 0; nth < 3; nth++) {
      const jobId = await world.queueJob(NOTHING)
      expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: null })
    }
    await waitUntil(() => toldTo('/start').length >= 4)
  })

  it('tell of the end of jobs that never began as well, each once', async () => {
    const serve = { ...world.environment({ maxJobs: 1, maxQueueSeconds: 5 }), ...notify() }
    await Promise.all([world.startEngine(serve), world.startEngine(serve)])
    const running = await world.queueJob(`setTimeout(() => {}, 60_000)`)
    await world.waitForJob(running, (job) => job.status === 40)
    const stopped = await world.queueJob(NOTHING)
    const unpaid = await world.queueJob(NOTHING, { validUntil: Math.floor(Date.now() / 1000) })
    const late = await world.queueJob(NOTHING)
    const unreadable = await world.queueJob(NOTHING)
    await requestStop(world.db, { jobId: stopped })
    await world.db('jobs').where({ workflowid: unreadable }).update({ workflow: '{' })
    await requestStop(world.db, { jobId: unreadable }) // claimed although no slot is free, and then not understood
    await notifyJobs(world.db)
    const ends = { [stopped]: 'Stopped', [unpaid]: 'TimedOut', [late]: 'QueueTimedOut', [unreadable]: 'InternalError' }
    for (const [jobId, reason] of Object.entries(ends)) {
      expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ reason, outputs: null })
    }
    const told = () => toldTo('/stop').map(({ body }) => body.jobId)
    await waitUntil(() => told().length >= 4)
    expect(told().toSorted()).toEqual(Object.keys(ends).toSorted())
    expect(toldTo('/start').map(({ body }) => body.jobId)).toEqual([running])
  })

  it('error: an address that is not public, nor allowed, is never called', async () => {
    const engine = await world.startEngine(notify('example.test'))
    const jobId = await world.queueJob(NOTHING)
    expect(await world.waitForJob(jobId, isFinished)).toMatchObject({ status: 70, reason: null })
    await waitUntil(() => engine.output().includes('a notification did not arrive'))
    expect(told).toEqual([])
  })
})
