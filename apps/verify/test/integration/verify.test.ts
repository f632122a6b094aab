import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildProviderFee, computeDid, createOrderProofSender, signMessage } from '@c2d/chain'
import type { FileSalt, ProofEnvelope, ProofOrder, ProofPredicate } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { buildStatement, createLocalSigner, endorseKey, saltHash, sealStatement, verifyProof } from '@c2d/proof'
import { Secret } from '@c2d/runtime'
import { buildProofPredicate, createOceanActor, type OceanActor, startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

// The file that npm links: there in a fresh clone, before anything is built.
const PROGRAM = new URL('../../bin/c2d-verify.mjs', import.meta.url).pathname
const ENVIRONMENT = createLocalSigner(new Secret(`0x${'01'.repeat(32)}`))
const PROOF_KEY = createLocalSigner(new Secret(`0x${'02'.repeat(32)}`))
const TERM = { validFrom: 1_700_000_000, validUntil: 1_800_000_000 }
const CONSUMER = `0x${'c0'.repeat(20)}`
const SHA = 'a'.repeat(64)
const CONTENTS = { 'outputs/result.csv': 'mean\n42\n', 'logs/algorithm.log': 'done\n' }

let chain: TestChain
let publisher: OceanActor
let order: ProofOrder
let strangerOrderTxId: string
/** The consumer's own, whose fee was quoted for the environment. */
let ownOrderTxId: string
let folder: string

beforeAll(async () => {
  chain = await startTestChain()
  publisher = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  const { nft, datatoken } = await publisher.publish()
  await publisher.setMetadata(nft, Buffer.from('{}'), `0x${SHA}`)
  await publisher.mintDatatoken(datatoken, publisher.address)
  const fee = (amountWei: bigint) =>
    buildProviderFee(
      {
        providerData: { environment: 'paid', timestamp: 1700000000, dt: datatoken, id: 's' },
        feeToken: chain.addresses.Ocean,
        amountWei,
        validUntil: 1900000000,
      },
      DEV_ACCOUNTS.provider.publishedPrivateKey,
    )
  await publisher.approve(chain.addresses.Ocean, datatoken, 7n)
  const txId = await publisher.order(datatoken, ENVIRONMENT.address, 0, fee(7n))
  strangerOrderTxId = await publisher.order(datatoken, publisher.address, 0, fee(0n))
  const buyer = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 1)
  await publisher.mintDatatoken(datatoken, buyer.address)
  ownOrderTxId = await buyer.order(datatoken, publisher.address, 0, fee(0n))
  buyer.close()
  order = { did: computeDid(nft, 8996), serviceId: 's', serviceIndex: 0, nft, datatoken, txId }
})

afterAll(async () => {
  publisher.close()
  await chain.stop()
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2d-verify-'))
  for (const [name, content] of Object.entries(CONTENTS)) {
    await mkdir(join(folder, 'files', name, '..'), { recursive: true })
    await writeFile(join(folder, 'files', name), content)
  }
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function putInputs(files: Record<string, string>): Promise<void> {
  await rm(join(folder, 'inputs'), { recursive: true, force: true })
  await mkdir(join(folder, 'inputs'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, 'inputs', name), content)
}

let proofs = 0
async function writeProof(
  changes: Partial<ProofPredicate> = {},
  more: { salts?: FileSalt[]; contents?: Record<string, string>; environmentId?: string } = {},
): Promise<string> {
  const { salts, contents = CONTENTS, environmentId = 'paid' } = more
  const predicate = buildProofPredicate({
    job: { id: 'b'.repeat(32), agreementId: order.txId, chainId: 8996, consumer: CONSUMER },
    environment: { id: environmentId, address: ENVIRONMENT.address },
    orders: [order],
    datasets: [{ did: order.did, serviceId: 's', files: [{ index: 0, sha256: SHA }] }],
    ...changes,
  })
  const subjects = Object.entries(contents).map(([name, text]) => ({ name, digest: { sha256: sha256(text) } }))
  const endorsement = await endorseKey(ENVIRONMENT, environmentId, PROOF_KEY.address, TERM)
  const envelope: ProofEnvelope = await sealStatement(buildStatement(predicate, subjects), PROOF_KEY, endorsement)
  proofs += 1
  const path = join(folder, `proof-${proofs}.json`)
  await writeFile(path, JSON.stringify(salts ? { ...envelope, salts } : envelope))
  return path
}

const verify = (...args: string[]): Promise<{ exitCode: number; text: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code) : 0, text: stdout + stderr })
    })
  })

describe('c2d-verify', () => {
  it('behaviour: a true proof holds, by itself, against its files, and on chain', async () => {
    const proof = await writeProof()
    const alone = await verify(proof)
    expect(alone.exitCode).toBe(0)
    expect(alone.text).toMatch(/could not be checked/)

    const all = ['--outputs', join(folder, 'files'), '--rpc', chain.rpcUrl, '--environment', ENVIRONMENT.address]
    const { exitCode, text } = await verify(proof, ...all)
    expect(text).toContain('outputs/result.csv is the job')
    expect(text).toMatch(/ordered at block \d+, .*provider fee 7 base units.*the asset was active then/)
    expect(text).toContain('it is not anchored there')
    expect(text).toContain('Everything that was checked holds; 2 could not be checked.')
    expect(exitCode).toBe(0)
  })

  it('behaviour: an anchor on chain says since when the proof is as it is', async () => {
    const proof = await writeProof()
    const { anchor } = verifyProof(JSON.parse(await readFile(proof, 'utf8')))
    const text = 'what the consumer signed'
    const sender = createOrderProofSender({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, devWallet(6).privateKey)
    const said = { consumerData: text, consumerSignature: signMessage(text, devWallet(0).privateKey) }
    await sender.send({
      datatokenAddress: order.datatoken,
      orderTxId: order.txId,
      providerData: anchor ?? '',
      consumerAddress: publisher.address,
      ...said,
    })
    sender.close()
    expect((await verify(proof, '--rpc', chain.rpcUrl)).text).toMatch(/ok +anchored there at block \d+, 20\d\d-/)
    // Another proof of the same job, of the same order, is not the one that was anchored.
    const other = await writeProof({ finishedAtMs: 1_750_000_002_001 })
    expect((await verify(other, '--rpc', chain.rpcUrl)).text).toContain('it is not anchored there')
  })

  it('behaviour: downloads that lie flat in the proof’s own folder are found, under other names too', async () => {
    const proof = await writeProof()
    await rename(join(folder, 'files/outputs/result.csv'), join(folder, 'result.csv'))
    await rename(join(folder, 'files/logs/algorithm.log'), join(folder, '1-algorithm.log'))
    const { exitCode, text } = await verify(proof, '--outputs', folder)
    expect(text).toContain("result.csv is the job's outputs/result.csv")
    expect(text).toContain("1-algorithm.log is the job's logs/algorithm.log")
    expect(exitCode).toBe(0)
  })

  it('attack: outputs of another job, changed ones and added ones are refused', async () => {
    const proof = await writeProof()
    await writeFile(join(folder, 'files/outputs/result.csv'), 'mean\n43\n')
    const changed = await verify(proof, '--outputs', join(folder, 'files'))
    expect(changed.text).toContain('FAIL outputs/result.csv is not what the job left as outputs/result.csv')
    expect(changed.exitCode).toBe(1)

    await writeFile(join(folder, 'files/outputs/result.csv'), CONTENTS['outputs/result.csv'])
    await writeFile(join(folder, 'files/outputs/proof.json'), '{}')
    const added = await verify(proof, '--outputs', join(folder, 'files'))
    expect(added.text).toContain('FAIL outputs/proof.json is no file of this job')
    expect(added.exitCode).toBe(1)
  })

  it('attack: two outputs that have changed their names are refused', async () => {
    const proof = await writeProof()
    await rename(join(folder, 'files/outputs/result.csv'), join(folder, 'files/algorithm.log'))
    expect((await verify(proof, '--outputs', join(folder, 'files'))).exitCode).toBe(1)
  })

  it('attack: an order that is somebody else’s, of another asset, or of no asset is found on chain', async () => {
    const lies: [Partial<ProofOrder>, RegExp][] = [
      [{ txId: strangerOrderTxId }, /orders nothing of service 0 for this/],
      [{ serviceIndex: 1 }, /orders nothing of service 1/],
      [{ did: `did:op:${SHA}` }, /is not the asset/],
      [{ datatoken: order.nft }, /does not belong to the asset/],
      [{ txId: `0x${'ee'.repeat(32)}` }, /no successful transaction/],
    ]
    for (const [lie, finding] of lies) {
      const { exitCode, text } = await verify(
        await writeProof({ orders: [{ ...order, ...lie }] }),
        '--rpc',
        chain.rpcUrl,
      )
      expect(text).toMatch(finding)
      expect(exitCode).toBe(1)
    }
  })

  it('attack: an order that was made for an environment is none of another, whoever made it', async () => {
    const consumer = devWallet(1).address
    const job = { ...buildProofPredicate().job, consumer }
    // Somebody with a key of his own, an order of the consumer's, and another environment's name or his own.
    const elsewhere = await writeProof({ job, orders: [{ ...order, txId: ownOrderTxId }] }, { environmentId: 'mine' })
    const refused = await verify(elsewhere, '--rpc', chain.rpcUrl)
    expect(refused.text).toContain("is the consumer's order, and neither made nor quoted for this environment")
    expect(refused.exitCode).toBe(1)

    const named = await writeProof({ job, orders: [{ ...order, txId: ownOrderTxId }] })
    const { exitCode, text } = await verify(named, '--rpc', chain.rpcUrl)
    expect(text).toContain(`--   that it was for ${ENVIRONMENT.address}: it was made for the consumer`)
    expect(exitCode).toBe(0)
  })

  it('attack: the proof of an environment that was not ordered from is refused', async () => {
    const { exitCode, text } = await verify(await writeProof(), '--environment', publisher.address)
    expect(text).toContain('FAIL it is the proof of the environment')
    expect(exitCode).toBe(1)
  })

  it('behaviour: files that reached the job are known by their hashes, and others are refused', async () => {
    await putInputs({ 'sales.csv': 'a,b\n', 'run.js': 'code' })
    const datasets = [{ did: order.did, serviceId: 's', files: [{ index: 0, sha256: sha256('a,b\n') }] }]
    const { algorithm } = buildProofPredicate()
    const predicate = { datasets, algorithm: { ...algorithm, files: [{ index: 0, sha256: sha256('code') }] } }
    const good = await verify(await writeProof(predicate), '--inputs', join(folder, 'inputs'))
    expect(good.text).toContain(`ok   sales.csv is file 0 of the dataset ${order.did}`)
    expect(good.text).toContain('ok   run.js is file 0 of the algorithm')
    expect(good.exitCode).toBe(0)

    await putInputs({ 'sales.csv': 'a,b\n1,2\n' })
    const changed = await verify(await writeProof(predicate), '--inputs', join(folder, 'inputs'))
    expect(changed.text).toContain('FAIL sales.csv is no file that reached this job')
    expect(changed.exitCode).toBe(1)
  })

  it('behaviour: salted hashes tell nobody which file it was, but who has the salt', async () => {
    await putInputs({ 'sales.csv': 'a,b\n' })
    const salt = '5a'.repeat(32)
    const files = [{ index: 0, sha256: saltHash(salt, sha256('a,b\n')), salted: true as const }]
    const inputs = ['--inputs', join(folder, 'inputs')]
    const datasets = [{ did: order.did, serviceId: 's', files }]
    const consumers = await writeProof({ datasets })
    const without = await verify(consumers, ...inputs)
    expect(without.text).toContain('--   sales.csv: the hashes of a dataset are salted')
    expect(without.exitCode).toBe(0)
    const known = `ok   sales.csv is file 0 of the dataset ${order.did}`
    expect((await verify(consumers, ...inputs, '--salt', salt)).text).toContain(known)
    expect((await verify(consumers, ...inputs, '--salt', `0x${salt.toUpperCase()}`)).text).toContain(known)

    const owners = await writeProof({ datasets }, { salts: [{ did: order.did, salt }] })
    expect((await verify(owners, ...inputs)).text).toContain(known)
  })

  it('attack: neither another file nor another salt passes for what a salted hash speaks of', async () => {
    const salt = '5a'.repeat(32)
    const files = [{ index: 0, sha256: saltHash(salt, sha256('a,b\n')), salted: true as const }]
    const proof = await writeProof({ datasets: [{ did: order.did, serviceId: 's', files }] })
    const inputs = ['--inputs', join(folder, 'inputs')]
    await putInputs({ 'sales.csv': 'a,c\n' })
    expect(await verify(proof, ...inputs, '--salt', salt)).toMatchObject({ exitCode: 1 })
    await putInputs({ 'sales.csv': 'a,b\n' })
    expect(await verify(proof, ...inputs, '--salt', '5b'.repeat(32))).toMatchObject({ exitCode: 1 })
    // Its bare hash, told as if it were salted, is no hash of it.
    const bare = [{ index: 0, sha256: sha256('a,b\n'), salted: true as const }]
    const lie = await writeProof({ datasets: [{ did: order.did, serviceId: 's', files: bare }] })
    expect(await verify(lie, ...inputs, '--salt', salt)).toMatchObject({ exitCode: 1 })
    expect((await verify(proof, ...inputs, '--salt', 'none')).exitCode).toBe(2)
  })

  it('attack: the outputs of two jobs, swapped, are refused for both', async () => {
    const [first, second] = [join(folder, 'files'), join(folder, 'others')]
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
    const contents = { 'outputs/a/x.csv': 'a', 'outputs/b/x.csv': 'b' }
    const proof = await writeProof({}, { contents })
    const put = async (at: string, files: Record<string, string>): Promise<string> => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(join(folder, at, name, '..'), { recursive: true })
        await writeFile(join(folder, at, name), content)
      }
      return join(folder, at)
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
    const name = 'outputs/x\u001b[2K\u001b[1A\nok   everything\u202e.csv'
    const proof = await writeProof({}, { contents: { [name]: 'x' } })
    await writeFile(join(folder, 'files', 'y\nok   all of it'), 'y')
    const { exitCode, text } = await verify(proof, '--outputs', join(folder, 'files'))
    expect(text).toContain('outputs/x\\u{1b}[2K\\u{1b}[1A\\u{a}ok   everything\\u{202e}.csv is not at hand')
    expect(text).toContain('FAIL y\\u{a}ok   all of it is no file of this job')
    expect(text).not.toMatch(/\u001b|\u202e|^ok {3}(everything|all)/m)
    expect(exitCode).toBe(1)
  })

  it('behaviour: what is no plain file is followed nowhere, and named', async () => {
    await symlink('/etc/hostname', join(folder, 'files', 'link'))
    const { exitCode, text } = await verify(await writeProof(), '--outputs', join(folder, 'files'))
    expect(text).toContain('--   link is no plain file')
    expect(exitCode).toBe(0)
  })

  it('behaviour: a proof that holds is told in short: how the job ended, on what it ran, what it left', async () => {
    const { execution } = buildProofPredicate()
    const failed = await writeProof(
      { execution: { ...execution, exitCode: 3, reason: 'AlgorithmFailed' } },
      { contents: {} },
    )
    const { exitCode, text } = await verify(failed, '--outputs', join(folder, 'files'))
    expect(text).toMatch(/^says job b{32} of 0x\w{40} ended with AlgorithmFailed at 20\S+: exit code 3$/m)
    expect(text).toContain(`ran on ${order.did}`)
    expect(text).toContain('says it left no file')
    expect(text).toContain('FAIL outputs/result.csv is no file of this job')
    expect(text).not.toContain('is not at hand')
    expect(exitCode).toBe(1)
  })

  it('behaviour: packed, it runs in an empty folder, with nothing else installed', async () => {
    const packed = join(folder, 'packed')
    await mkdir(packed)
    const run = promisify(execFile)
    const args = ['pack', '--ignore-scripts', '--offline', '--json', '--pack-destination', packed]
    const { stdout } = await run('npm', args, { cwd: new URL('../..', import.meta.url).pathname })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    await run('tar', ['-xzf', filename], { cwd: packed })
    const proof = await writeProof()
    const program = join(packed, 'package/bin/c2d-verify.mjs')
    const { stdout: report } = await run(process.execPath, [program, proof, '--rpc', chain.rpcUrl], { cwd: packed })
    expect(report).toMatch(/ok {3}order of .*ordered at block \d+/)
  })

  it('attack: a proof by a key whose time was over is refused', async () => {
    const { exitCode, text } = await verify(await writeProof({ finishedAtMs: TERM.validUntil * 1000 }))
    expect(text).toContain('FAIL the job finished outside the term of the key')
    expect(exitCode).toBe(1)
  })

  it('error: what cannot be checked at all says so, and ends with 2', async () => {
    const proof = await writeProof()
    await writeFile(join(folder, 'none.json'), 'no proof')
    expect((await verify(join(folder, 'none.json'))).exitCode).toBe(1)
    expect((await verify(join(folder, 'absent.json'))).exitCode).toBe(2)
    expect((await verify()).exitCode).toBe(2)
    expect((await verify(proof, '--rpc', 'http://127.0.0.1:9')).exitCode).toBe(2)
    const typo = await verify(proof, '--environment', ENVIRONMENT.address.slice(0, -1))
    expect(typo).toMatchObject({ exitCode: 2, text: expect.stringContaining('--environment must be an address') })
    const noAddress = await verify(proof, '--rpc', '127.0.0.1')
    expect(noAddress).toMatchObject({ exitCode: 2, text: expect.stringContaining('--rpc must be a URL') })
    // What was found before stands all the same, and a lie is a lie.
    await writeFile(join(folder, 'files/outputs/result.csv'), 'mean\n43\n')
    const both = await verify(proof, '--outputs', join(folder, 'files'), '--rpc', 'http://127.0.0.1:9')
    expect(both.text).toContain('FAIL outputs/result.csv is not what the job left')
    expect(both.text).toContain('--   the rest: ')
    expect(both.exitCode).toBe(1)
    expect((await verify('--help')).text).toContain('--outputs FOLDER')
  })
})
