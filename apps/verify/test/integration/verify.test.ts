import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { computeDid } from '@c2d/chain'
import { devWallet } from '@c2d/dev-servers'
import { saltHash } from '@c2d/proof'
import { buildProofPredicate } from '@c2d/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  CONTENTS,
  createProofFolder,
  ENVIRONMENT,
  type ProofFolder,
  sha256,
  TERM,
  verify,
} from './support/proof-folder.ts'

// A proof by itself, and against files: nothing here asks a chain, so the order need not be on any.

const NFT = `0x${'f1'.repeat(20)}`
const ORDER = {
  did: computeDid(NFT, 8996),
  serviceId: 's',
  serviceIndex: 0,
  nft: NFT,
  datatoken: `0x${'d1'.repeat(20)}`,
  txId: `0x${'7a'.repeat(32)}`,
}

let folder: ProofFolder

beforeEach(async () => {
  folder = await createProofFolder(ORDER)
})
afterEach(() => folder.close())

describe('c2d-verify', () => {
  it('behaviour: downloads that lie flat in the proof’s own folder are found, under other names too', async () => {
    const { path, writeProof } = folder
    const proof = await writeProof()
    await rename(join(path, 'files/outputs/result.csv'), join(path, 'result.csv'))
    await rename(join(path, 'files/logs/algorithm.log'), join(path, '1-algorithm.log'))
    const { exitCode, text } = await verify(proof, '--outputs', path)
    expect(text).toContain("result.csv is the job's outputs/result.csv")
    expect(text).toContain("1-algorithm.log is the job's logs/algorithm.log")
    expect(exitCode).toBe(0)
  })

  it('attack: outputs of another job, changed ones and added ones are refused', async () => {
    const { path, writeProof } = folder
    const proof = await writeProof()
    await writeFile(join(path, 'files/outputs/result.csv'), 'mean\n43\n')
    const changed = await verify(proof, '--outputs', join(path, 'files'))
    expect(changed.text).toContain('FAIL outputs/result.csv is not what the job left as outputs/result.csv')
    expect(changed.exitCode).toBe(1)

    await writeFile(join(path, 'files/outputs/result.csv'), CONTENTS['outputs/result.csv'])
    await writeFile(join(path, 'files/outputs/proof.json'), '{}')
    const added = await verify(proof, '--outputs', join(path, 'files'))
    expect(added.text).toContain('FAIL outputs/proof.json is no file of this job')
    expect(added.exitCode).toBe(1)
  })

  it('attack: two outputs that have changed their names are refused', async () => {
    const { path, writeProof } = folder
    const proof = await writeProof()
    await rename(join(path, 'files/outputs/result.csv'), join(path, 'files/algorithm.log'))
    expect((await verify(proof, '--outputs', join(path, 'files'))).exitCode).toBe(1)
  })

  it('attack: the proof of an environment that was not ordered from is refused', async () => {
    const { writeProof } = folder
    const { exitCode, text } = await verify(await writeProof(), '--environment', devWallet(0).address)
    expect(text).toContain('FAIL it is the proof of the environment')
    expect(exitCode).toBe(1)
  })

  it('behaviour: files that reached the job are known by their hashes, and others are refused', async () => {
    const { path, putInputs, writeProof } = folder
    await putInputs({ 'sales.csv': 'a,b\n', 'run.js': 'code' })
    const datasets = [{ did: ORDER.did, serviceId: 's', files: [{ index: 0, sha256: sha256('a,b\n') }] }]
    const { algorithm } = buildProofPredicate()
    const predicate = { datasets, algorithm: { ...algorithm, files: [{ index: 0, sha256: sha256('code') }] } }
    const good = await verify(await writeProof(predicate), '--inputs', join(path, 'inputs'))
    expect(good.text).toContain(`ok   sales.csv is file 0 of the dataset ${ORDER.did}`)
    expect(good.text).toContain('ok   run.js is file 0 of the algorithm')
    expect(good.exitCode).toBe(0)

    await putInputs({ 'sales.csv': 'a,b\n1,2\n' })
    const changed = await verify(await writeProof(predicate), '--inputs', join(path, 'inputs'))
    expect(changed.text).toContain('FAIL sales.csv is no file that reached this job')
    expect(changed.exitCode).toBe(1)
  })

  it('behaviour: salted hashes tell nobody which file it was, but who has the salt', async () => {
    const { path, putInputs, writeProof } = folder
    await putInputs({ 'sales.csv': 'a,b\n' })
    const salt = '5a'.repeat(32)
    const files = [{ index: 0, sha256: saltHash(salt, sha256('a,b\n')), salted: true as const }]
    const inputs = ['--inputs', join(path, 'inputs')]
    const datasets = [{ did: ORDER.did, serviceId: 's', files }]
    const consumers = await writeProof({ datasets })
    const without = await verify(consumers, ...inputs)
    expect(without.text).toContain('--   sales.csv: the hashes of a dataset are salted')
    expect(without.exitCode).toBe(0)
    const known = `ok   sales.csv is file 0 of the dataset ${ORDER.did}`
    expect((await verify(consumers, ...inputs, '--salt', salt)).text).toContain(known)
    expect((await verify(consumers, ...inputs, '--salt', `0x${salt.toUpperCase()}`)).text).toContain(known)

    const owners = await writeProof({ datasets }, { salts: [{ did: ORDER.did, salt }] })
    expect((await verify(owners, ...inputs)).text).toContain(known)
  })

  it('attack: neither another file nor another salt passes for what a salted hash speaks of', async () => {
    const { path, putInputs, writeProof } = folder
    const salt = '5a'.repeat(32)
    const files = [{ index: 0, sha256: saltHash(salt, sha256('a,b\n')), salted: true as const }]
    const proof = await writeProof({ datasets: [{ did: ORDER.did, serviceId: 's', files }] })
    const inputs = ['--inputs', join(path, 'inputs')]
    await putInputs({ 'sales.csv': 'a,c\n' })
    expect(await verify(proof, ...inputs, '--salt', salt)).toMatchObject({ exitCode: 1 })
    await putInputs({ 'sales.csv': 'a,b\n' })
    expect(await verify(proof, ...inputs, '--salt', '5b'.repeat(32))).toMatchObject({ exitCode: 1 })
    // Its bare hash, told as if it were salted, is no hash of it.
    const bare = [{ index: 0, sha256: sha256('a,b\n'), salted: true as const }]
    const lie = await writeProof({ datasets: [{ did: ORDER.did, serviceId: 's', files: bare }] })
    expect(await verify(lie, ...inputs, '--salt', salt)).toMatchObject({ exitCode: 1 })
    expect((await verify(proof, ...inputs, '--salt', 'none')).exitCode).toBe(2)
  })

  it('attack: the outputs of two jobs, swapped, are refused for both', async () => {
    const { path, writeProof } = folder
    const [first, second] = [join(path, 'files'), join(path, 'others')]
    await mkdir(join(second, 'outputs'), { recursive: true })
    await writeFile(join(second, 'outputs/result.csv'), 'mean\n7\n')
    const firstProof = await writeProof()
    const secondProof = await writeProof(
      { job: { ...buildProofPredicate().job, id: 'c'.repeat(32) } },
      { contents: { 'outputs/result.csv': 'mean\n7\n' } },
    )
    expect((await verify(firstProof, '--outputs', first)).exitCode).toBe(0)
    expect((await verify(secondProof, '--outputs', second)).exitCode).toBe(0)
    expect((await verify(firstProof, '--outputs', second)).exitCode).toBe(1)
    expect((await verify(secondProof, '--outputs', first)).exitCode).toBe(1)
  })

  it('attack: two files of one name, swapped between their folders, are refused; flat, either is good', async () => {
    const { path, writeProof } = folder
    const contents = { 'outputs/a/x.csv': 'a', 'outputs/b/x.csv': 'b' }
    const proof = await writeProof({}, { contents })
    const put = async (at: string, files: Record<string, string>): Promise<string> => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(join(path, at, name, '..'), { recursive: true })
        await writeFile(join(path, at, name), content)
      }
      return join(path, at)
    }
    for (const prefix of ['outputs/', '', 'job/']) {
      const good = await put(`good-${prefix}`, { [`${prefix}a/x.csv`]: 'a', [`${prefix}b/x.csv`]: 'b' })
      expect(await verify(proof, '--outputs', good)).toMatchObject({ exitCode: 0 })
      const swapped = await put(`swapped-${prefix}`, { [`${prefix}a/x.csv`]: 'b', [`${prefix}b/x.csv`]: 'a' })
      expect(await verify(proof, '--outputs', swapped)).toMatchObject({ exitCode: 1 })
    }
    expect(await verify(proof, '--outputs', await put('flat', { 'x.csv': 'b' }))).toMatchObject({ exitCode: 0 })
    expect(await verify(proof, '--outputs', await put('wrong', { 'x.csv': 'c' }))).toMatchObject({ exitCode: 1 })
  })

  it('attack: no name in a proof, and none of a file at hand, writes a line of the report', async () => {
    const { path, writeProof } = folder
    const name = 'outputs/x\u001b[2K\u001b[1A\nok   everything\u202e.csv'
    const proof = await writeProof({}, { contents: { [name]: 'x' } })
    await writeFile(join(path, 'files', 'y\nok   all of it'), 'y')
    const { exitCode, text } = await verify(proof, '--outputs', join(path, 'files'))
    expect(text).toContain('outputs/x\\u{1b}[2K\\u{1b}[1A\\u{a}ok   everything\\u{202e}.csv is not at hand')
    expect(text).toContain('FAIL y\\u{a}ok   all of it is no file of this job')
    expect(text).not.toMatch(/\u001b|\u202e|^ok {3}(everything|all)/m)
    expect(exitCode).toBe(1)
  })

  it('behaviour: what is no plain file is followed nowhere, and named', async () => {
    const { path, writeProof } = folder
    await symlink('/etc/hostname', join(path, 'files', 'link'))
    const { exitCode, text } = await verify(await writeProof(), '--outputs', join(path, 'files'))
    expect(text).toContain('--   link is no plain file')
    expect(exitCode).toBe(0)
  })

  it('behaviour: a proof that holds is told in short: how the job ended, on what it ran, what it left', async () => {
    const { path, writeProof } = folder
    const { execution } = buildProofPredicate()
    const failed = await writeProof(
      { execution: { ...execution, exitCode: 3, reason: 'AlgorithmFailed' } },
      { contents: {} },
    )
    const { exitCode, text } = await verify(failed, '--outputs', join(path, 'files'))
    expect(text).toMatch(/^says job b{32} of 0x\w{40} ended with AlgorithmFailed at 20\S+: exit code 3$/m)
    expect(text).toContain(`ran on ${ORDER.did}`)
    expect(text).toContain('says it left no file')
    expect(text).toContain('FAIL outputs/result.csv is no file of this job')
    expect(text).not.toContain('is not at hand')
    expect(exitCode).toBe(1)
  })

  it('attack: a proof by a key whose time was over is refused', async () => {
    const { writeProof } = folder
    const { exitCode, text } = await verify(await writeProof({ finishedAtMs: TERM.validUntil * 1000 }))
    expect(text).toContain('FAIL the job finished outside the term of the key')
    expect(exitCode).toBe(1)
  })

  it('error: what cannot be checked at all says so, and ends with 2', async () => {
    const { path, writeProof } = folder
    const proof = await writeProof()
    await writeFile(join(path, 'none.json'), 'no proof')
    expect((await verify(join(path, 'none.json'))).exitCode).toBe(1)
    expect((await verify(join(path, 'absent.json'))).exitCode).toBe(2)
    expect((await verify()).exitCode).toBe(2)
    expect((await verify(proof, '--rpc', 'http://127.0.0.1:9')).exitCode).toBe(2)
    const typo = await verify(proof, '--environment', ENVIRONMENT.address.slice(0, -1))
    expect(typo).toMatchObject({ exitCode: 2, text: expect.stringContaining('--environment must be an address') })
    const noAddress = await verify(proof, '--rpc', '127.0.0.1')
    expect(noAddress).toMatchObject({ exitCode: 2, text: expect.stringContaining('--rpc must be a URL') })
    // What was found before stands all the same, and a lie is a lie.
    await writeFile(join(path, 'files/outputs/result.csv'), 'mean\n43\n')
    const both = await verify(proof, '--outputs', join(path, 'files'), '--rpc', 'http://127.0.0.1:9')
    expect(both.text).toContain('FAIL outputs/result.csv is not what the job left')
    expect(both.text).toContain('--   the rest: ')
    expect(both.exitCode).toBe(1)
    expect((await verify('--help')).text).toContain('--outputs FOLDER')
  })
})
