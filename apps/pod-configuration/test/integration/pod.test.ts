import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { stagingManifestSchema } from '@c2d/contracts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createPodWorld } from './support/pod-world.ts'
import { serveContent, startRangeOrigin, trickle, type RangeOrigin, type Serve } from './support/range-origin.ts'
import { DATA, stageOf } from './support/staging-world.ts'

let world: Awaited<ReturnType<typeof createPodWorld>>
let origin: RangeOrigin
beforeAll(async () => {
  world = await createPodWorld()
})
afterAll(() => world.close())
afterEach(() => origin.close())

async function start(serve: Serve): Promise<{ env: Record<string, string> }> {
  origin = await startRangeOrigin(serve)
  return { env: { OUTBOUND_ALLOW: origin.authority } }
}

const FOLDER = 'a'.repeat(64)

describe('the pod', () => {
  it('ends as 30 with its text, tells what it staged, and leaves modes that any image can read', async () => {
    const content = Buffer.from('a,b\n1,2\n')
    const options = await start(serveContent(content))
    const stage = stageOf({ [DATA]: [`${origin.base}/wages.csv`] })
    stage.algorithm.algocustomdata = { epochs: 5 }
    const { code, job, volume, events } = await world.run(stage, { ...options, umask: '077' })
    expect(code).toBe(0)
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect(job).toMatchObject({ status: 30, statustext: 'Provisioning success', reason: null })
    expect(job.staging).toEqual({
      files: [{ did: DATA, serviceId: null, index: 0, sizeBytes: 8, sha256 }],
      fileCount: 1,
      totalBytes: 8,
    })
    expect(events.map((event) => event.what)).not.toContain('progress') // it was too quick for any
    const manifest: unknown = JSON.parse(await readFile(join(volume, 'inputs/manifest.json'), 'utf8'))
    expect(stagingManifestSchema.parse(manifest).files).toEqual([
      {
        did: DATA,
        serviceId: null,
        index: 0,
        path: `inputs/${FOLDER}/0`,
        name: 'wages.csv',
        contentType: 'text/csv',
        sizeBytes: 8,
        sha256,
      },
    ])
    const modeOf = async (path: string): Promise<[string, string]> => [
      path,
      ((await stat(join(volume, path))).mode & 0o7777).toString(8),
    ]
    const modes = Object.fromEntries(
      await Promise.all(
        [
          'inputs',
          `inputs/${FOLDER}`,
          `inputs/${FOLDER}/0`,
          'inputs/algoCustomData.json',
          'inputs/manifest.json',
          'transformations',
          'transformations/algorithm',
          'ddos',
          'outputs',
          'logs',
        ].map(modeOf),
      ),
    )
    expect(modes).toEqual({
      inputs: '755',
      [`inputs/${FOLDER}`]: '755',
      [`inputs/${FOLDER}/0`]: '644',
      'inputs/algoCustomData.json': '644',
      'inputs/manifest.json': '644',
      transformations: '755',
      'transformations/algorithm': '777',
      ddos: '755',
      outputs: '777',
      logs: '777',
    })
    expect((await readdir(volume)).sort()).toEqual(['ddos', 'inputs', 'logs', 'outputs', 'transformations'])
  })

  it('error: ends as 31 with its text and a reason, and says no address', async () => {
    const options = await start((_request, response) => response.writeHead(404).end())
    const { code, job, output, events } = await world.run(stageOf({ [DATA]: `${origin.base}/secret-name` }), options)
    expect(code).toBe(1)
    expect(job).toMatchObject({ status: 31, statustext: 'Data provisioning failed', reason: 'InputFetchFailed' })
    expect(events.at(-1)).toMatchObject({ what: 'inputFailed', detail: { reason: 'InputFetchFailed' } })
    expect(output + JSON.stringify(events)).not.toMatch(/secret-name|127\.0\.0\.1/)
  })

  it('error: ends as 32 with its text and a reason', async () => {
    const options = await start(serveContent(Buffer.from('other bytes')))
    const stage = stageOf({})
    stage.algorithm = { ...stage.algorithm, rawcode: '', url: `${origin.base}/a`, checkedFiles: ['0'.repeat(64)] }
    const { code, job } = await world.run(stage, options)
    expect(code).toBe(1)
    expect(job).toMatchObject({
      status: 32,
      statustext: 'Algorithm provisioning failed',
      reason: 'AlgorithmRejected',
    })
  })

  it('error: a limit of the operator ends as 31, with what there was room for', async () => {
    const { env } = await start(serveContent(Buffer.alloc(2_000_000)))
    const options = { env: { ...env, MAX_INPUT_BYTES: '1000000' } }
    const { job } = await world.run(stageOf({ [DATA]: `${origin.base}/a` }), options)
    expect(job).toMatchObject({ status: 31, reason: 'InputTooLarge' })
  })

  it('behaviour: a step that takes a while tells the timeline how far it is', async () => {
    const content = Buffer.alloc(1_000_000, 'x')
    const { env } = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': content.length })
      trickle(response, content, 20_000, 100)
    })
    const options = { env: { ...env, PROGRESS_SECONDS: '4' } }
    const { job, events } = await world.run(stageOf({ [DATA]: `${origin.base}/a` }), options)
    expect(job.status).toBe(30)
    const news = events.find((event) => event.what === 'progress')
    expect(news).toMatchObject({
      by: 'configure',
      detail: {
        phase: 'staging',
        bytes: expect.any(Number),
        expectedBytes: content.length,
        filesDone: 0,
        files: 1,
        bytesPerSecond: expect.any(Number),
        remainingSeconds: expect.any(Number),
      },
    })
  })

  it('behaviour: half a gigabyte does not make it larger', async () => {
    const bytes = 512 * 1024 ** 2
    const chunk = Buffer.alloc(1024 ** 2, 'x')
    const { env } = await start((_request, response) => {
      response.writeHead(200, { ETag: '"v1"', 'Content-Length': bytes })
      let left = bytes
      const more = (): void => {
        while (left > 0) {
          left -= chunk.length
          if (!response.write(chunk)) {
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    const { job, volume, peakMB } = await world.run(stageOf({ [DATA]: `${origin.base}/a` }), {
      env: { ...env, MAX_CONNECTIONS_PER_FILE: '1' }, // this origin gives no parts
    })
    expect(peakMB).toBeGreaterThan(30)
    expect(peakMB).toBeLessThan(200)
    expect(job).toMatchObject({ status: 30 })
    expect((await stat(join(volume, 'inputs', FOLDER, '0'))).size).toBe(bytes)
  })
})
