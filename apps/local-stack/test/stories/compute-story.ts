import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JOB_STATUS } from '@c2d/contracts'
import { beforeAll, expect, it } from '@jest/globals'
import type { OceanClient } from '../../src/story/ocean-js.ts'
import { RESULT_FILE, runDirectly } from '../../src/story/compare.ts'
import { SILENT_STORY } from '../../src/story/print.ts'
import { downloadResults, waitForEnd, type FinishedJob } from '../../src/story/run-job.ts'
import { fetchSigned, loadSignedStatus, type JobOfConsumer } from '../../src/story/signed-requests.ts'
import { startJob } from '../../src/story/start-job.ts'
import type { StoryWorld } from './story-world.ts'

const BEGIN_MS = 300_000
const POLL_MS = 200

/** What a consumer does with ocean.js, as it is published: order, start, watch, stop, download, be refused. */
export function describeCompute(here: () => StoryWorld): void {
  let paid: FinishedJob
  beforeAll(async () => {
    paid = await here().run()
  })

  it('behaviour: a paid job ends with the very bytes that the algorithm computes, and with its log', async () => {
    const { dataset, folder, wageGap } = here()
    const { job, results } = paid
    const direct = join(folder, 'direct')
    await mkdir(direct)
    const path = process.env['PATH'] ?? ''
    const expected = await runDirectly({ algorithm: wageGap, datasetPath: dataset.path, folder: direct, path })
    expect(results.find(({ fileName }) => fileName === RESULT_FILE)?.content).toEqual(expected)
    const log = results.find(({ type }) => type === 'algorithmLog')
    expect(log?.content.toString('utf8')).toContain('read 534 workers')
    expect(job).toMatchObject({ status: JOB_STATUS.finished.code, statusText: JOB_STATUS.finished.text, exitCode: 0 })
  })

  it('attack: a stranger gets neither its results nor its log, is not told of it, and finds nothing to stop', async () => {
    const { client, market, stack, stranger } = here()
    const { jobId } = paid.job
    const { provider: providerUrl } = stack.urls
    const { ProviderInstance: provider } = client.ocean
    for (const index of paid.results.keys()) {
      const url = await provider.getComputeResultUrl(providerUrl, stranger, jobId, index)
      await expect(client.ocean.downloadFile(url, index)).rejects.toThrow()
    }
    const address = await stranger.getAddress()
    expect(await provider.computeStop(market.dataset.did, address, jobId, providerUrl, stranger)).toEqual([])
    expect(await provider.computeStatus(providerUrl, address, jobId)).toEqual([])
    for (const endpoint of ['computeLogs', 'computeProof'] as const) {
      const response = await fetchSigned(endpoint, { providerUrl, consumer: stranger, jobId }, client)
      expect([endpoint, response.ok]).toEqual([endpoint, false])
    }
  })

  it('behaviour: a job that never ends by itself is stopped, says so, and leaves its log', async () => {
    const { client, jobOptions, market, waiting } = here()
    const options = jobOptions({ algorithm: waiting })
    const deps = { client, story: SILENT_STORY }
    const jobId = await startJob(options, deps)
    await waitUntilItSays('waiting', here(), jobId)

    const { consumer, providerUrl } = options
    const address = await consumer.getAddress()
    await client.ocean.ProviderInstance.computeStop(market.dataset.did, address, jobId, providerUrl, consumer)
    const ended = await waitForEnd(options, jobId, deps)
    const status = await loadSignedStatus({ consumer, providerUrl, jobId }, client)
    expect(status).toMatchObject({ reason: 'Stopped', stopreq: 1 })
    const log = (await downloadResults(options, ended, deps)).find(({ type }) => type === 'algorithmLog')
    expect(log?.content.toString('utf8')).toBe('waiting\n')
  })

  it('error: an algorithm that the dataset does not trust is refused before anything is paid', async () => {
    const { client, jobOptions, untrusted } = here()
    const starting = startJob(jobOptions({ algorithm: untrusted }), { client, story: SILENT_STORY })
    await expect(starting).rejects.toThrow(/not_trusted_algo/)
  })

  it('error: a run that nobody paid for does not start', async () => {
    const { client, jobOptions, market } = here()
    const transferTxId = await payNobody(here())
    const { consumer, environmentId, providerUrl } = jobOptions()
    const [dataset, algorithm] = [market.dataset, market.algorithms[0].asset].map(({ did, serviceId }) => ({
      documentId: did,
      serviceId,
      transferTxId,
    }))
    if (!dataset || !algorithm) throw new Error('nothing to ask for')
    const { ProviderInstance: provider } = client.ocean
    expect(await provider.computeStart(providerUrl, consumer, environmentId, dataset, algorithm)).toBeNull()
    expect(client.lastWords()).toMatch(/order_invalid/)
  })
}

/** Reads the live log of a job until the algorithm says this. */
async function waitUntilItSays(text: string, { client, jobOptions }: StoryWorld, jobId: string): Promise<void> {
  const asked = { ...jobOptions(), jobId }
  const giveUpAtMs = Date.now() + BEGIN_MS
  for (;;) {
    const { status, dateFinished } = await loadSignedStatus(asked, client)
    if (status === JOB_STATUS.running.code && (await doesLogSay(text, asked, client))) return
    if (dateFinished !== null || Date.now() > giveUpAtMs) throw new Error(`job ${jobId} does not run: ${status}`)
    await sleep(POLL_MS)
  }
}

async function doesLogSay(text: string, asked: JobOfConsumer, client: OceanClient): Promise<boolean> {
  const response = await fetchSigned('computeLogs', asked, client)
  if (!response.ok || !response.body) return false
  let said = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    said += chunk
    if (said.includes(text)) return true // leaving the loop ends the request
  }
  return false
}

/** A transaction of the consumer that is on the chain, and no order. */
async function payNobody({ market: { consumer } }: StoryWorld): Promise<string> {
  const sent = await consumer.sendTransaction({ to: await consumer.getAddress(), value: 1 })
  await sent.wait()
  return sent.hash
}
