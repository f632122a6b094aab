import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { finishJob, listEvents, loadJob, loadResultKey, markResultsRemoved } from '@c2d/operator-db'
import { createResultStores, type ResultsConfig } from '@c2d/storage'
import {
  bucket,
  config,
  db,
  folder,
  job,
  node,
  put,
  read,
  rowsOf,
  runPod,
  service,
  stores,
} from './support/publishing-pod.ts'

const MIB = 1024 ** 2

describe('a job that publishes to a folder, a bucket and IPFS', () => {
  it('has every file in all three, byte by byte, in whole and in ranges', async () => {
    const contents: Record<string, Buffer> = {
      'outputs/empty': Buffer.alloc(0),
      'outputs/large.bin': randomBytes(20 * MIB + 7),
      'outputs/tables/Ergebnis äöü 結果.csv': Buffer.from('a,b\n1,2\n'),
      'logs/algorithm.log': Buffer.from('hello\n'),
      'adminlogs/configure.log': Buffer.from('staged\n'),
    }
    for (const [path, bytes] of Object.entries(contents)) await put(path, bytes)
    const run = await runPod()
    expect([run.exitCode, run.output]).toEqual([0, expect.stringContaining('0 lost')])

    const rows = await rowsOf()
    expect(rows.map(({ path, type }) => [path, type])).toEqual([
      ['outputs/empty', 'output'],
      ['outputs/large.bin', 'output'],
      ['outputs/tables/Ergebnis äöü 結果.csv', 'output'],
      ['logs/algorithm.log', 'algorithmLog'],
      ['adminlogs/configure.log', 'configrationLog'],
      ['adminlogs/publish.log', 'publishLog'],
    ])
    for (const row of rows) {
      const addresses = [row.url, ...(row.copies ?? [])]
      expect(addresses.map((address) => address.split(':')[0])).toEqual(['filesystem', 's3', 'ipfs'])
      for (const address of addresses) {
        const bytes = await read(address)
        expect(await stores.stat(address)).toEqual({ sizeBytes: row.filesize })
        expect(bytes.length).toBe(row.filesize)
        const wanted = contents[row.path ?? '']
        if (wanted) expect([address, bytes.equals(wanted)]).toEqual([address, true])
      }
    }
    const large = contents['outputs/large.bin'] ?? Buffer.alloc(0)
    for (const address of [rows[1]?.url, ...(rows[1]?.copies ?? [])]) {
      const part = await read(address ?? '', { start: 10 * MIB - 3, end: 10 * MIB + 100_000 })
      expect([address, part.equals(large.subarray(10 * MIB - 3, 10 * MIB + 100_001))]).toEqual([address, true])
    }
  }, 60_000)

  it('behaviour: no key and no address of a server is in what the consumer or an algorithm could see', async () => {
    await put('outputs/a', 'secret')
    const run = await runPod()
    const [row] = await rowsOf()
    const shown = JSON.stringify([await rowsOf(), await listEvents(db, job.jobId), run.output])
    const keys = await db('result_keys').where({ job_id: job.jobId })
    expect(keys).toHaveLength(2)
    for (const { key } of keys as { key: Buffer }[]) {
      expect(shown).not.toContain(key.toString('hex'))
      expect(shown).not.toContain(key.toString('base64'))
    }
    const { credentials, endpoint = '' } = bucket.target
    for (const secret of [
      credentials?.secretAccessKey.reveal() ?? '',
      endpoint,
      node.url,
      job.token,
      bucket.target.bucket,
    ]) {
      expect(shown).not.toContain(secret)
    }
    const object = row?.copies?.[1]?.split('/')[1] ?? ''
    expect(await loadResultKey(service, { jobId: job.jobId, object })).toHaveLength(32)
  })

  it('behaviour: their removal leaves nothing anywhere, and no key', async () => {
    await put('outputs/a', 'x')
    await runPod()
    const rows = await rowsOf()
    const urls = rows.flatMap(({ url, copies = [] }) => [url, ...copies])
    await finishJob(db, { jobId: job.jobId, epoch: job.epoch, by: 'engine-1', resultsKeptSeconds: 1e-6 })
    const remover = createResultStores(config)
    await remover.remove(job.jobId, urls)
    remover.close()
    for (const url of urls) await expect(stores.open(url)).rejects.toMatchObject({ code: 'NotFound' })
    await markResultsRemoved(db, { jobId: job.jobId, by: 'engine-1', outputs: rows })
    expect(await db('result_keys').where({ job_id: job.jobId })).toEqual([])
    expect(await readdir(join(folder, 'results'))).toEqual([])
  })
})

describe('a place that cannot be reached', () => {
  it('behaviour: costs the others nothing; exit code 1 lets the engine try again', async () => {
    await put('outputs/a', 'x')
    const broken: ResultsConfig = {
      targets: [
        { backend: 'filesystem', root: join(folder, 'results') },
        { ...bucket.target, endpoint: 'http://127.0.0.1:1' },
      ],
    }
    const run = await runPod({}, broken)
    expect(run.exitCode).toBe(1)
    const [row] = await rowsOf()
    expect(row).toMatchObject({ filename: 'a', failure: expect.stringMatching(/^s3: /), path: 'outputs/a' })
    expect((await read(row?.url ?? '')).toString()).toBe('x')
    expect((await runPod()).exitCode).toBe(0)
    expect((await rowsOf())[0]).not.toHaveProperty('failure')
  }, 120_000)
})

describe('what an environment does not allow', () => {
  it('behaviour: becomes the reason of the job, with a row that says why, and is not tried again', async () => {
    await put('outputs/a.csv', 'x')
    await put('outputs/b.exe', 'x')
    const run = await runPod({ allowedTypes: ['text/csv'] })
    expect(run.exitCode).toBe(0)
    expect(await loadJob(db, job.jobId)).toMatchObject({ reason: 'OutputRefused' })
    const rows = await rowsOf()
    expect(rows.at(-1)).toMatchObject({ filename: 'b.exe', url: '', failure: expect.stringContaining('type') })
    expect((await listEvents(db, job.jobId)).map(({ what }) => what)).toContain('outputsRefused')
  })
})
