import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  deployContracts,
  DEV_ACCOUNTS,
  devWallet,
  findFreePort,
  writeAddressFile,
  type ContractAddresses,
} from '@c2d/dev-servers'
import { z } from 'zod'
import { startFileOrigin, type FileOrigin } from '../file-origin.ts'
import { startMetadataCache } from '../metadata-cache/metadata-cache.ts'
import { SILENT_STORY, type Story } from '../story/print.ts'
import { openChain } from './chain.ts'
import { openDatabases } from './databases.ts'
import { createFileLogger, type LogReader } from './log-file.ts'
import { createOpener, type Opener } from './opener.ts'
import type { StackPorts } from './ports.ts'
import { buildOperatorEngine, buildOperatorService, buildProvider, type Wiring } from './service-settings.ts'
import { openService, watchServers, type ServiceSettings, type WatchedServer } from './service.ts'

const LOOPBACK = '127.0.0.1'
/** The development account of the metadata cache: asks for decryption, signs validations. */
export const METADATA_CACHE_ACCOUNT = 7

/** Where the stack keeps everything and where it listens. */
export interface StackOptions {
  /** An empty folder of its own. */
  readonly dataFolder: string
  readonly ports: StackPorts
  /** Where provider and metadata cache listen: an address of this machine that jobs reach. Default: loopback. */
  readonly host?: string
  /** The files that can be published, by the name they are served under. */
  readonly files: Readonly<Record<string, string>>
  /** Where interpreters are found. */
  readonly path: string
}

/** The whole system, running. */
export interface Stack {
  readonly urls: {
    readonly provider: string
    readonly operatorService: string
    readonly operatorEngine: string
    readonly metadataCache: string
    readonly chain: string
  }
  readonly addresses: ContractAddresses
  /** The same as a file, for ocean.js. */
  readonly addressFile: string
  /** PUBLISHED keys: who publishes, who orders, and the provider's own. */
  readonly accounts: typeof DEV_ACCOUNTS
  readonly files: FileOrigin
  /** False where no sandbox works on this machine: algorithms then run as this user. */
  readonly isSandboxed: boolean
  readonly logFolder: string
  /** Rejects with ServerError when one of the servers ends by itself; never resolves. */
  readonly broken: Promise<never>
}

/** Who is told, and how services are run. */
export interface StackDeps {
  readonly story?: Story
  readonly readLog?: LogReader
  /** Changes how a service is run; default: as a child of this process, from this folder's build. */
  readonly adaptService?: (settings: ServiceSettings) => ServiceSettings
}

/** A stack that is coming up, up, or going down. */
export interface StackHandle {
  /** The running stack; rejects where it does not come up. Whatever did start runs until `stop()`. */
  readonly started: Promise<Stack>
  /** Ends everything that was started, also while it is starting. Resolves when no process is left. Safe to repeat. */
  stop(): Promise<void>
}

/**
 * Starts the whole system on this machine (DESIGN §6): PostgreSQL, chain and contracts, metadata cache, provider,
 * operator-service, operator-engine. Nothing it starts can outlive this process.
 */
export function startStack(options: StackOptions, deps: StackDeps = {}): StackHandle {
  const logFolder = join(options.dataFolder, 'logs')
  const opener = createOpener({ logFolder, readLog: deps.readLog ?? (() => undefined) })
  const { adaptService = (settings: ServiceSettings) => settings, story = SILENT_STORY } = deps
  const started = start({ ...options, logFolder }, { adaptService, opener, story })
  // Whoever awaits it gets the error; without this line a stop before that would end the process.
  started.catch(() => undefined)
  return { started, stop: () => opener.close() }
}

async function start(
  options: StackOptions & { readonly logFolder: string },
  deps: Required<Pick<StackDeps, 'story' | 'adaptService'>> & { readonly opener: Opener },
): Promise<Stack> {
  const { dataFolder, host = LOOPBACK, ports } = options
  const { opener, story } = deps
  const addressFile = join(dataFolder, 'address.json')
  const [databases, { chain, addresses, chainServer }] = await Promise.all([
    story.step('PostgreSQL', async () => ({
      value: await openDatabases({ dataFolder, port: ports['postgres-port'] }, opener),
      detail: `${LOOPBACK}:${ports['postgres-port']}, databases provider and operator`,
    })),
    openChainWithContracts(),
  ])

  const files = await opener.open(
    'file origin',
    () => startFileOrigin(options.files),
    (origin) => origin.close(),
  )
  const providerUrl = `http://${host}:${ports['provider-port']}`
  const metadataCache = await story.step('metadata cache', async () => {
    const cache = await openMetadataCache()
    return { value: cache, detail: cache.url }
  })

  const wiring: Wiring = {
    providerUrl,
    operatorServiceUrl: `http://${LOOPBACK}:${ports['operator-port']}`,
    engineUrl: `http://${LOOPBACK}:${await findFreePort()}`,
    metadataCacheUrl: metadataCache.url,
    rpcUrl: chain.url,
    factoryAddress: addresses.ERC721Factory,
    addressFile,
    providerDatabaseUrl: databases.providerUrl,
    operatorDatabaseUrl: databases.operatorUrl,
    podDatabaseUrl: databases.podUrl,
    engineSecret: randomBytes(32).toString('hex'),
    workspacesFolder: join(dataFolder, 'workspaces'),
    resultsFolder: join(dataFolder, 'results'),
    fileOriginHost: files.host,
    path: options.path,
  }
  const [operatorService, engine, provider] = await Promise.all([
    tellService(buildOperatorService(wiring)),
    tellService(buildOperatorEngine(wiring), () => readSandbox(wiring.engineUrl)),
    tellService(buildProvider(wiring)),
  ])

  const servers = [operatorService, engine, provider].map(({ server }) => server)
  const broken = watchServers([databases.server, chainServer, ...servers])
  broken.catch(() => undefined) // an orderly stop ends them, too, when nobody waits for this any more
  return {
    urls: {
      provider: wiring.providerUrl,
      operatorService: wiring.operatorServiceUrl,
      operatorEngine: wiring.engineUrl,
      metadataCache: metadataCache.url,
      chain: chain.url,
    },
    addresses,
    addressFile,
    accounts: DEV_ACCOUNTS,
    files,
    isSandboxed: !engine.detail.includes('NOT sandboxed'),
    logFolder: options.logFolder,
    broken,
  }

  async function openChainWithContracts() {
    const { chain, server } = await story.step('chain', async () => {
      const opened = await openChain({ port: ports['chain-port'] }, opener)
      return { value: opened, detail: `anvil, chain id ${opened.chain.chainId}, ${opened.chain.url}` }
    })
    const addresses = await story.step('contracts', async () => {
      const deployed = await deployContracts(chain.url)
      await writeAddressFile(addressFile, deployed)
      return { value: deployed, detail: 'of @oceanprotocol/contracts; address file written' }
    })
    return { chain, addresses, chainServer: server }
  }

  async function openMetadataCache() {
    const log = createFileLogger(await opener.openLog('metadata-cache'))
    const cacheOptions = {
      host,
      port: ports['metadata-port'],
      rpcUrl: chain.url,
      chainId: chain.chainId,
      factoryAddress: addresses.ERC721Factory,
      startBlock: addresses.startBlock,
      providerUrl,
      wallet: devWallet(METADATA_CACHE_ACCOUNT),
    }
    return opener.open(
      'metadata cache',
      () => startMetadataCache(cacheOptions, { log }),
      (cache) => cache.close(),
    )
  }

  function tellService(
    settings: ServiceSettings,
    describe: () => Promise<string> = () => Promise.resolve(settings.url),
  ): Promise<{ readonly server: WatchedServer; readonly detail: string }> {
    return story.step(settings.name, async () => {
      const server = await openService(deps.adaptService(settings), opener)
      const detail = await describe()
      return { value: { server, detail }, detail }
    })
  }
}

/** The engine's own words on how it seals algorithms. */
async function readSandbox(engineUrl: string): Promise<string> {
  const response = await fetch(engineUrl)
  return z.object({ executor: z.string() }).parse(await response.json()).executor
}
