import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JOB_STATUS, type ComputeOptions } from '@c2d/contracts'
import {
  deployContracts,
  DEV_ACCOUNTS,
  DEV_CHAIN_ID,
  devWallet,
  findFreePort,
  startChain,
  startPostgres,
  writeAddressFile,
} from '@c2d/dev-servers'
import type { Cleanup } from '../lib/cleanup.ts'
import { createChainActor, type ChainActor } from './chain-actor.ts'
import { SERVICE_FLAGS, startChildServer, type ChildServer } from './child-server.ts'
import { publishAsset, type PublishedAsset } from './publish-asset.ts'

const THIS_BENCH = fileURLToPath(new URL('../provider.js', import.meta.url))
const PROVIDER = fileURLToPath(new URL('../../../apps/provider/dist/main.js', import.meta.url))
const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
const OPERATOR = '/api/v1/operator'
/** More than any depth at which the provider takes the chain's answers for good. */
const BURYING_BLOCKS = 200

/** A provider's surroundings: PostgreSQL, a chain with Ocean's contracts, and one process for all that it asks. */
export interface ProviderWorld {
  consumer: ChainActor
  /** Who downloads in a compute job. */
  environmentAddress: string
  upstreamPort: number
  /** Keeps a body as the upstream's answer under a path. */
  keep(path: string, body: unknown): Promise<void>
  publish(choices: { type: 'dataset' | 'algorithm'; path: string; compute?: ComputeOptions }): Promise<PublishedAsset>
  /** Mines so many blocks that the answers of the chain are final. */
  buryOrders(): Promise<void>
  /** Starts the provider, with production settings, as a process of its own. */
  startProvider(): Promise<ChildServer>
  /** Starts this bench's bare proxy in front of the upstream. */
  startProxy(): Promise<ChildServer>
}

/** Starts everything but the provider; `cleanup` ends it. */
export async function createProviderWorld(cleanup: Cleanup): Promise<ProviderWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
  cleanup.add(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o711) // as root the server runs as another user, who must be able to enter
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await findFreePort() })
  // Where the server's user could not enter our temporary folder, its files are in another one of its own.
  cleanup.add(() => rm(dirname(postgres.dataDir), { recursive: true, force: true }))
  cleanup.add(() => postgres.stop())
  const chain = await startChain({ port: await findFreePort() })
  cleanup.add(() => chain.stop())
  const contracts = await deployContracts(chain.url)
  const addressFile = join(folder, 'address.json')
  await writeAddressFile(addressFile, contracts)

  const place = { rpcUrl: chain.url, chainId: DEV_CHAIN_ID, factoryAddress: contracts.ERC721Factory }
  const publisher = createChainActor(place, DEV_ACCOUNTS.publisher.index)
  const consumer = createChainActor(place, DEV_ACCOUNTS.consumer.index)
  cleanup.add(() => publisher.close())
  cleanup.add(() => consumer.close())

  const startRole = async (name: string, port: number, ...args: string[]): Promise<ChildServer> => {
    const logPath = join(folder, `${name}.log`)
    return startChildServer(
      { name, args: [THIS_BENCH, '--serve', name, '--port', String(port), ...args], port, logPath },
      cleanup,
    )
  }
  const upstreamPort = await findFreePort()
  const upstream = await startRole('upstream', upstreamPort)
  const keep = async (path: string, body: unknown): Promise<void> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await fetch(upstream.url + path, { method: 'PUT', body: text })
    if (!answer.ok) throw new Error(`the upstream answered ${answer.status} to ${path}`)
  }
  const environmentAddress = devWallet(5).address
  await keep(`${OPERATOR}/environments`, [buildEnvironment(environmentAddress)])
  await keep(`${OPERATOR}/compute`, [buildJob(consumer.address)])

  return {
    consumer,
    environmentAddress,
    upstreamPort,
    keep,
    publish: ({ path, ...choices }) =>
      publishAsset(
        { ...choices, fileUrl: upstream.url + path },
        {
          publisher,
          consumer: consumer.address,
          providerKey: PROVIDER_KEY,
          cache: (did, document) => keep(`/api/aquarius/assets/ddo/${did}`, document),
        },
      ),
    async buryOrders() {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: [BURYING_BLOCKS] })
      const answer = await fetch(chain.url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
      if (!answer.ok) throw new Error(`the chain answered ${answer.status}`)
    },
    startProxy: async () => startRole('express-proxy', await findFreePort(), '--upstream', String(upstreamPort)),
    async startProvider() {
      const port = await findFreePort()
      const env = {
        OCEAN_PROVIDER_URL: `127.0.0.1:${port}`,
        DATABASE_URL: await postgres.createDatabase('provider'),
        NETWORK_URL: chain.url,
        PROVIDER_PRIVATE_KEY: PROVIDER_KEY,
        ADDRESS_FILE: addressFile,
        AQUARIUS_URL: upstream.url,
        OPERATOR_SERVICE_URL: upstream.url,
        OUTBOUND_ALLOW: `127.0.0.1:${upstreamPort}`,
        RATE_LIMIT_PER_MINUTE: '0', // all load comes from one address and one consumer
        NODE_ENV: 'production',
      }
      const logPath = join(folder, 'provider.log')
      return startChildServer({ name: 'provider', args: [...SERVICE_FLAGS, PROVIDER], env, port, logPath }, cleanup)
    },
  }
}

function buildEnvironment(consumerAddress: string): Record<string, unknown> {
  return {
    id: 'free',
    cpuNumber: 1,
    cpuType: '',
    gpuNumber: 0,
    gpuType: '',
    ramGB: 1,
    diskGB: 1,
    priceMin: 0,
    desc: '',
    currentJobs: 0,
    maxJobs: 10,
    consumerAddress,
    storageExpiry: 0,
    maxJobDuration: '3600',
    lastSeen: '1705855599.64',
  }
}

/** The one job that there is, whoever asks or starts. */
function buildJob(owner: string): Record<string, unknown> {
  return {
    agreementId: `0x${'ab'.repeat(32)}`,
    jobId: '0123456789abcdef0123456789abcdef',
    owner,
    status: JOB_STATUS.running.code,
    statusText: JOB_STATUS.running.text,
    dateCreated: '1700000000.5',
    dateFinished: null,
    results: '',
    stopreq: 0,
    removed: 0,
    algoDID: 'raw',
    inputDID: [],
  }
}
