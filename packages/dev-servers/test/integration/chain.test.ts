import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { JsonRpcProvider } from 'ethers'
import {
  DEV_ACCOUNTS,
  deployContracts,
  devWallet,
  findFreePort,
  startChain,
  writeAddressFile,
  type Chain,
  type ChainOptions,
} from '../../src/index.ts'
import { runProgram } from './program.ts'
import { listOwnChildren, waitUntilGone } from './running-processes.ts'

// Known from other deployments of the same contracts in the same order: clients and stored fixtures rely on them.
const EXPECTED_ADDRESSES = {
  chainId: 8996,
  Ocean: '0x2473f4F7bf40ed9310838edFCA6262C17A59DF64',
  MockDAI: '0x053aE1FeCdc2f391753E2Bf2AAe301E75CC0aac9',
  MockUSDC: '0x2fC1fd21cb222Dc180Ef817dE4c426fd9230b5A5',
  OPFCommunityFeeCollector: '0x1e6d9207241DbDca82B0D9546490c97B24B1a9f6',
  Router: '0xBb0911124E680D65358Ac46C5404D4dF01F03e80',
  FixedPrice: '0x98b6901cE7C9fc65dBeeC98598136593EB7b4c6C',
  ERC20Template: {
    '1': '0x91EB42b164664cB28a09B0cF9651b404Ee105afA',
    '2': '0x9C2a015129969c98E9A5BcBEb61A5F907FF5b629',
  },
  ERC721Template: { '1': '0x611f28Ef25D778aFC5a0034Aea94297e2c215a42' },
  Dispenser: '0xe749E2f8482810b11B838Ae8c5eb69e54d610411',
  ERC721Factory: '0x8930D1F61Defb9CBD652136B4C3D93f19AC35678',
  startBlock: 1,
}

let folder: string
const chains: Chain[] = []
const providers: JsonRpcProvider[] = []

async function start(options: Omit<ChainOptions, 'port'> = {}): Promise<Chain> {
  const chain = await startChain({ port: await findFreePort(), ...options })
  chains.push(chain)
  return chain
}

function connect(chain: Chain): JsonRpcProvider {
  const provider = new JsonRpcProvider(chain.url, 8996, { staticNetwork: true, cacheTimeout: -1 })
  providers.push(provider)
  return provider
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2d-chain-test-'))
})
afterEach(async () => {
  for (const provider of providers.splice(0)) provider.destroy()
  await Promise.all(chains.splice(0).map((chain) => chain.stop()))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('startChain', () => {
  it('funds the published accounts and mines each transaction at once', async () => {
    const provider = connect(await start())
    for (const { address } of Object.values(DEV_ACCOUNTS)) {
      expect(await provider.getBalance(address)).toBe(10_000n * 10n ** 18n)
    }
    const consumer = devWallet(DEV_ACCOUNTS.consumer.index).connect(provider)
    await consumer.sendTransaction({ to: DEV_ACCOUNTS.provider.address, value: 1n })
    expect(await provider.getBalance(DEV_ACCOUNTS.provider.address)).toBe(10_000n * 10n ** 18n + 1n)
  })

  it('leaves no process behind when it is stopped', async () => {
    const before = (await listOwnChildren()).length
    const chain = await start()
    await chain.stop()
    expect((await listOwnChildren()).length).toBe(before)
  })

  it('ends when the process that started it is killed', async () => {
    const program = await runProgram(`
      import { startChain } from './src/chain.ts'
      console.log((await startChain({ port: ${await findFreePort()} })).pid)
      setInterval(() => undefined, 1000)`)
    const pid = Number(await program.said)
    program.process.kill('SIGKILL')
    expect(await waitUntilGone(pid)).toBeLessThan(5_000)
  })

  it('error: says so where the port is taken, and where a state file is missing', async () => {
    const { port } = await start()
    await expect(startChain({ port })).rejects.toThrow(`port ${port}`)
    await expect(start({ initialStateFile: join(folder, 'nowhere.json') })).rejects.toThrow(/the chain ended early/)
  })
})

describe('deployContracts', () => {
  it('gives the well-known addresses, with the datatoken templates and the exchanges registered', async () => {
    const chain = await start()
    expect(await deployContracts(chain.url)).toEqual(EXPECTED_ADDRESSES)
    const provider = connect(chain)
    expect(await provider.getTransactionCount(DEV_ACCOUNTS.publisher.address)).toBe(16)
    // getCurrentTemplateCount(): the factory's constructor registers one, the enterprise one follows.
    expect(BigInt(await provider.call({ to: EXPECTED_ADDRESSES.ERC721Factory, data: '0x95c60305' }))).toBe(2n)
  })

  it('behaviour: a chain that continues from its state file has them, and deploys nothing again', async () => {
    const stateFile = join(folder, 'state', 'chain.json')
    const first = await start({ stateFile })
    await deployContracts(first.url)
    await first.stop()

    const second = await start({ stateFile })
    expect(await deployContracts(second.url)).toEqual(EXPECTED_ADDRESSES)
    const provider = connect(second)
    expect(await provider.getTransactionCount(DEV_ACCOUNTS.publisher.address)).toBe(16)
    expect(
      (await provider.getLogs({ fromBlock: 0, address: EXPECTED_ADDRESSES.ERC721Factory })).length,
    ).toBeGreaterThan(0)
  })

  it('behaviour: a chain that only starts from a state file never writes it', async () => {
    const stateFile = join(folder, 'template.json')
    await (await start({ stateFile })).stop()
    const before = (await stat(stateFile)).mtimeMs
    const chain = await start({ initialStateFile: stateFile })
    await deployContracts(chain.url)
    await chain.stop()
    expect((await stat(stateFile)).mtimeMs).toBe(before)
  })

  it('error: refuses a chain where the deployer did something else', async () => {
    const chain = await start()
    const publisher = devWallet(0).connect(connect(chain))
    await publisher.sendTransaction({ to: DEV_ACCOUNTS.consumer.address, value: 1n })
    await expect(deployContracts(chain.url)).rejects.toThrow('account 0 has sent 1 transactions')
  })
})

describe('writeAddressFile', () => {
  it('writes the shape that ocean.js reads, into a folder that need not exist', async () => {
    const path = join(folder, 'addresses', 'address.json')
    await writeAddressFile(path, EXPECTED_ADDRESSES)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ development: EXPECTED_ADDRESSES })
  })
})
