import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { AppError } from '@c2d/runtime'
import { createFilesystemStore } from '@c2d/storage'
import { createJobLog } from './job-log.ts'
import { JOB, publish, read, results, said, sha256, stores, withPut, withSecond } from './testing/publishing.ts'
import { pathsOf, put } from './testing/volume.ts'

describe('the rows of a job', () => {
  it('behaviour: are those that old clients read, with what is ours beside', async () => {
    await put('outputs/result.csv', 'a,b\n')
    await put('logs/algorithm.log', 'hello\n')
    await put('adminlogs/configure.log', 'staged\n')
    const { rows, lost, refusal } = await publish()
    expect([lost, refusal]).toEqual([0, undefined])
    expect(rows.map(({ filename, filesize, type }) => ({ filename, filesize, type }))).toEqual([
      { filename: 'result.csv', filesize: 4, type: 'output' },
      { filename: 'algorithm.log', filesize: 6, type: 'algorithmLog' },
      { filename: 'configure.log', filesize: 7, type: 'configrationLog' },
      { filename: 'publish.log', filesize: expect.any(Number), type: 'publishLog' },
    ])
    expect(rows[0]).toEqual({
      filename: 'result.csv',
      filesize: 4,
      url: `filesystem:${JOB}/outputs/result.csv`,
      type: 'output',
      sha256: sha256('a,b\n'),
      path: 'outputs/result.csv',
    })
  })

  it('behaviour: the stored log of this step is whole up to the line that says where it ends', async () => {
    await put('outputs/a')
    const { rows } = await publish()
    const log = rows.at(-1)
    const text = await read(log)
    expect(log?.filesize).toBe(Buffer.byteLength(text))
    expect(log?.sha256).toBe(sha256(text))
    expect(text).toContain(`Stored outputs/a: 9 bytes, SHA-256 ${sha256('outputs/a')}`)
    expect(text).toMatch(/This log was stored here: what followed is not part of it\.\n$/)
    expect(said).toContain('Stored outputs/a')
  })

  it('behaviour: a log longer than what is kept says how much is left out', () => {
    const log = createJobLog({ write: () => undefined })
    for (let n = 0; n < 20_000; n += 1) log.say('x'.repeat(99))
    const text = log.snapshot().toString()
    expect(text.length).toBeLessThan(1_100_000)
    expect(text).toMatch(/\.\.\. \d+ lines are left out here/)
  })
})

describe('several places', () => {
  it('behaviour: a file goes to each; its address is the first, the others stand beside', async () => {
    const second = createFilesystemStore({ root: join(results, 'second') })
    await put('outputs/a')
    const { rows, lost } = await publish(
      {},
      withSecond(async (...args) => ({ ...(await second.put(...args)), url: 's3:x' })),
    )
    expect(lost).toBe(0)
    expect(rows[0]).toMatchObject({ url: `filesystem:${JOB}/outputs/a`, copies: ['s3:x'] })
    expect(rows[0]).not.toHaveProperty('failure')
  })

  it('behaviour: one that fails costs the others nothing, and is said in the row and in the log', async () => {
    await put('outputs/a')
    const { rows, lost } = await publish(
      {},
      withSecond(() => Promise.reject(new AppError('NotAllowed', { detail: 'The bucket is not ours.' }))),
    )
    expect(lost).toBe(2)
    expect(rows[0]).toMatchObject({ url: `filesystem:${JOB}/outputs/a`, failure: 's3: The bucket is not ours.' })
    expect(await read(rows.at(-1))).toContain('Could not store outputs/a: s3: The bucket is not ours.')
  })

  it('behaviour: one that is down for a moment is asked again', async () => {
    const second = createFilesystemStore({ root: join(results, 'second') })
    let failures = 1
    await put('outputs/a')
    const { lost } = await publish(
      {},
      withSecond((...args) =>
        failures-- > 0 ? Promise.reject(new AppError('UpstreamUnavailable')) : second.put(...args),
      ),
    )
    expect(lost).toBe(0)
  })

  it('error: a failure names no address and no path of this machine', async () => {
    await put('outputs/a')
    const { rows } = await publish(
      {},
      withSecond(() =>
        Promise.reject(
          Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:9000 /data/x'), { code: 'ECONNREFUSED' }),
        ),
      ),
    )
    expect(rows[0]?.failure).toBe('s3: the system says ECONNREFUSED')
    expect(said).not.toContain('10.0.0.7')
  })

  it('behaviour: what is stored nowhere comes last, without an address, and shifts no index', async () => {
    await put('outputs/a')
    await put('outputs/b')
    const picky = withPut((put) => async (jobId, path, source) => {
      if (path === 'outputs/a') throw new AppError('NotAllowed', { detail: 'No.' })
      return put(jobId, path, source)
    })
    const { rows, lost } = await publish({}, picky)
    expect(lost).toBe(1)
    expect(pathsOf(rows)).toEqual(['outputs/b', 'adminlogs/publish.log', 'outputs/a'])
    expect(rows.at(-1)).toEqual({
      filename: 'a',
      filesize: 9,
      url: '',
      type: 'output',
      path: 'outputs/a',
      failure: 'filesystem: No.',
    })
  })
})

describe('a path that a place cannot keep', () => {
  it('behaviour: is refused and not lost, since another attempt would do no better', async () => {
    await put('outputs/a')
    const deep = `outputs/${'d'.repeat(200)}/${'e'.repeat(200)}`
    await put(deep)
    const short = withSecond(async (jobId, path, source) => {
      if (path.length > 300) throw new AppError('InvalidRequest', { detail: 'It is too long.' })
      return stores.targets[0]!.store.put(jobId, path, source)
    })
    const { rows, lost, refusal } = await publish({}, short)
    expect([lost, refusal]).toEqual([0, `${deep}: s3: It is too long.`])
    const row = rows.find(({ path }) => path === deep)
    expect(row).toMatchObject({ url: `filesystem:${JOB}/${deep}`, failure: 's3: It is too long.' })
    expect(await read(rows.at(-1))).toContain('0 lost, 1 refused')
  })
})

describe('a place that refuses before it reads', () => {
  it('behaviour: leaves no file open', async () => {
    for (let n = 0; n < 20; n += 1) await put(`outputs/${n}`, 'x'.repeat(1_000_000))
    const openFiles = async () => (await readdir('/proc/self/fd')).length
    const before = await openFiles()
    const { lost } = await publish(
      { archive: 'beside', maxTotalBytes: 1e9 },
      withSecond(() => Promise.reject(new AppError('NotAllowed'))),
    )
    expect(lost).toBe(22)
    expect(await openFiles()).toBeLessThanOrEqual(before)
  })
})

describe('limits of the environment', () => {
  it.each([
    ['the size of a file', { maxFileBytes: 50 }, /100 bytes, and the environment allows 50/],
    ['all sizes together', { maxTotalBytes: 99 }, /of the 99 that the environment allows in all 79 are left/],
    ['types', { allowedTypes: ['text/*', '.json'] }, /does not allow files of its type/],
  ])('behaviour: %s: what is refused is said in the row, the log and the reason', async (_what, over, why) => {
    await put('outputs/a.txt', 'x'.repeat(20))
    await put('outputs/big.bin', 'x'.repeat(100))
    await put('outputs/c.json', 'x'.repeat(20))
    await put('logs/algorithm.log')
    const { rows, lost, refusal } = await publish(over)
    expect(lost).toBe(0)
    expect(refusal).toMatch(why)
    expect(refusal).toMatch(/^outputs\/big\.bin: /)
    expect(pathsOf(rows)).toEqual([
      'outputs/a.txt',
      'outputs/c.json',
      'logs/algorithm.log',
      'adminlogs/publish.log',
      'outputs/big.bin',
    ])
    expect(rows.at(-1)).toMatchObject({ url: '', filesize: 100, failure: expect.stringMatching(why) })
    expect(await read(rows[3])).toMatch(/Refused outputs\/big\.bin: /)
  })

  it('behaviour: many refusals are a bounded number of rows', async () => {
    for (let n = 0; n < 130; n += 1) await put(`outputs/${n}.bin`)
    const { rows, refusal } = await publish({ maxFiles: 500, allowedTypes: ['.csv'] })
    expect(rows).toHaveLength(102)
    expect(rows.at(-1)?.failure).toMatch(/^30 more are not stored/)
    expect(refusal).toMatch(/, and 129 more$/)
  })
})
