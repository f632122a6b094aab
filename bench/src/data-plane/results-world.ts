import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { addressOf, signMessage } from '@c2d/chain'
import { JOB_STATUS, computeResultMessage } from '@c2d/contracts'
import {
  DEV_ACCOUNTS,
  deployContracts,
  devWallet,
  findFreePort,
  startChain,
  startPostgres,
  writeAddressFile,
} from '@c2d/dev-servers'
import { openDatabase } from '@c2d/postgres'
import type { Cleanup } from '../lib/cleanup.ts'
import { SERVICE_FLAGS, startChildServer, type ChildServer } from '../provider/child-server.ts'

const APPS = new URL('../../../apps/', import.meta.url)
const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
const JOB_ID = '0123456789abcdef0123456789abcdef'
const FILE = 'result.bin'
const MEBIBYTE = 1024 * 1024

/** Provider and operator-service as they are run, over one finished job with one result. */
export interface ResultsWorld {
  provider: ChildServer
  operator: ChildServer
  /** Folder of the result, and its name in it, for whoever serves the same file. */
  folder: string
  file: string
  /** An address that may be fetched once, as ocean.js makes it. */
  signedUrl(): string
}

/** Starts everything, and writes a result of that size; `cleanup` ends it. */
export async function createResultsWorld(mebibytes: number, cleanup: Cleanup): Promise<ResultsWorld> {
  const place = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
  cleanup.add(() => rm(place, { recursive: true, force: true }))
  await chmod(place, 0o711) // as root the server runs as another user, who must be able to enter
  const postgres = await startPostgres({ dataDir: join(place, 'postgres'), port: await findFreePort() })
  cleanup.add(() => rm(dirname(postgres.dataDir), { recursive: true, force: true }))
  cleanup.add(() => postgres.stop())
  const chain = await startChain({ port: await findFreePort() })
  cleanup.add(() => chain.stop())
  const addressFile = join(place, 'address.json')
  await writeAddressFile(addressFile, await deployContracts(chain.url))

  const results = join(place, 'results')
  const folder = join(results, JOB_ID)
  await mkdir(folder, { recursive: true })
  await writeRandom(join(folder, FILE), mebibytes)

  const run = async (app: string, port: number, env: Record<string, string>): Promise<ChildServer> => {
    const args = [...SERVICE_FLAGS, fileURLToPath(new URL(`${app}/dist/main.js`, APPS))]
    const logPath = join(place, `${app}.log`)
    return startChildServer({ name: app, args, env: { NODE_ENV: 'production', ...env }, port, logPath }, cleanup)
  }
  const jobsUrl = await postgres.createDatabase('jobs')
  const operatorPort = await findFreePort()
  const operator = await run('operator-service', operatorPort, {
    OPERATOR_URL: `http://127.0.0.1:${operatorPort}`,
    DATABASE_URL: jobsUrl,
    ALLOWED_PROVIDERS: addressOf(PROVIDER_KEY),
    RESULTS_FOLDER: results,
  })
  const consumer = devWallet(DEV_ACCOUNTS.consumer.index)
  await keepJob(jobsUrl, {
    owner: consumer.address,
    sizeBytes: mebibytes * MEBIBYTE,
    sha256: await hashFile(join(folder, FILE)),
  })
  const port = await findFreePort()
  const provider = await run('provider', port, {
    OCEAN_PROVIDER_URL: `127.0.0.1:${port}`,
    DATABASE_URL: await postgres.createDatabase('provider'),
    NETWORK_URL: chain.url,
    PROVIDER_PRIVATE_KEY: PROVIDER_KEY,
    ADDRESS_FILE: addressFile,
    OPERATOR_SERVICE_URL: operator.url,
    RATE_LIMIT_PER_MINUTE: '0', // all load comes from one address and one consumer
  })

  let nonce = Date.now()
  return {
    provider,
    operator,
    folder,
    file: FILE,
    signedUrl() {
      nonce += 1
      const asked = { consumerAddress: consumer.address, jobId: JOB_ID, index: '0', nonce: String(nonce) }
      const signature = signMessage(computeResultMessage(asked), consumer.privateKey)
      return `${provider.url}/api/services/computeResult?${new URLSearchParams({ ...asked, signature }).toString()}`
    },
  }
}

async function keepJob(
  databaseUrl: string,
  { owner, sizeBytes, sha256 }: { owner: string; sizeBytes: number; sha256: string },
): Promise<void> {
  const db = openDatabase({ url: databaseUrl, applicationName: 'bench', maxConnections: 1 })
  const url = `filesystem:${JOB_ID}/${FILE}`
  await db('jobs').insert({
    workflowid: JOB_ID,
    agreementid: `0x${JOB_ID}`,
    owner,
    namespace: 'bench',
    status: JOB_STATUS.finished.code,
    datefinished: db.fn.now(),
    outputsurl: JSON.stringify([{ filename: FILE, filesize: sizeBytes, url, type: 'output', sha256 }]),
  })
  await db.destroy()
}

/** One random mebibyte over and over: nobody on the way looks at the bytes. */
async function writeRandom(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w')
  const block = randomBytes(MEBIBYTE)
  for (let written = 0; written < mebibytes; written++) await file.write(block)
  await file.close()
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
