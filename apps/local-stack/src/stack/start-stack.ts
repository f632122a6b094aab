import { rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join, relative } from 'node:path'
import {
  deployContracts,
  DEV_ACCOUNTS,
  devWallet,
  findFreePort,
  startChain,
  startPostgres,
  writeAddressFile,
  type ContractAddresses,
} from '@c2d/dev-servers'
import { createShutdown } from '@c2d/runtime'
import { startFileOrigin, type FileOrigin } from '../file-origin.ts'
import { startMetadataCache } from '../metadata-cache/metadata-cache.ts'
import type { Story } from '../story/print.ts'
import { createFileLogger, openLogFile, type LogReader } from './log-file.ts'
import type { StackPorts } from './ports.ts'
import { buildOperatorEngine, buildOperatorService, buildProvider, type Wiring } from './service-settings.ts'
import { describeExit, ServiceError, startService, type Service, type ServiceOptions } from './service.ts'

const HOST = '127.0.0.1'
const METADATA_CACHE_ACCOUNT = 7
const POD_ROLE = 'c2d_pod'

/** Where the stack keeps everything and where it listens. */
export interface StackOptions {
  /** An empty folder of its own. */
  readonly dataFolder: string
  readonly ports: StackPorts
  /** The files that are published, by the name they are served under. */
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
  /** How the engine seals algorithms, in its own words. */
  readonly sandbox: string
  /** False where no sandbox works on this machine: algorithms then run as this user. */
  readonly isSandboxed: boolean
  readonly logFolder: string
  /** The processes of the three services. */
  readonly pids: Readonly<Record<string, number>>
  /** Rejects with ServiceError when one of the services ends by itself; never resolves. */
  readonly broken: Promise<never>
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
export function startStack(
  options: StackOptions,
  deps: { readonly story: Story; readonly readLog?: LogReader },
): StackHandle {
  const logFolder = join(options.dataFolder, 'logs')
  const readLog = deps.readLog ?? (() => undefined)
  const problems: string[] = []
  const shutdown = createShutdown(
    { graceMs: 0 },
    {
      log: {
        error: (fields, message) => problems.push(`${message} ${JSON.stringify(fields)}`),
        warn: () => undefined,
        info: () => undefined,
        debug: () => undefined,
        child: () => {
          throw new Error('not needed')
        },
      },
    },
  )
  const started = start()
  // Whoever awaits it gets the error; without this line a stop before that would end the process.
  started.catch(() => undefined)
  return { started, stop: () => shutdown.close() }

  /** Starts one thing so that it is ended in any case: when an end is asked for in the middle, it is waited for. */
  async function open<T>(name: string, begin: () => Promise<T>, end: (opened: T) => Promise<void>): Promise<T> {
    shutdown.signal.throwIfAborted()
    const opening = begin()
    shutdown.onClose(name, async () => {
      const [outcome] = await Promise.allSettled([opening])
      if (outcome.status === 'fulfilled') await end(outcome.value)
    })
    return opening
  }

  function openLog(name: string) {
    return open(
      `log of ${name}`,
      () => openLogFile(logFolder, name, readLog),
      (log) => log.close(),
    )
  }

  async function openService(service: ServiceOptions): Promise<Service> {
    const log = await openLog(service.name)
    return open(
      service.name,
      () => startService(service, { log }),
      (running) => running.stop(),
    )
  }

  async function openPostgres() {
    const log = await openLog('postgres')
    const server = await open(
      'postgres',
      () =>
        startPostgres({
          dataDir: join(options.dataFolder, 'postgres'),
          port: options.ports['postgres-port'],
          onLog: log.write,
        }),
      async (postgres) => {
        await postgres.stop()
        await removeStandIn(postgres.dataDir)
      },
    )
    const [provider, operator] = await Promise.all([
      server.createDatabase('provider'),
      server.createDatabase('operator'),
    ])
    const pod = new URL(operator)
    pod.username = POD_ROLE
    pod.password = randomBytes(24).toString('hex')
    return { provider, operator, pod: pod.href }
  }

  /** As root, a server that may not enter our folder keeps its data in another one of its own. */
  async function removeStandIn(dataDir: string): Promise<void> {
    if (relative(options.dataFolder, dataDir).startsWith('..')) {
      await rm(dirname(dataDir), { recursive: true, force: true })
    }
  }

  async function openChain() {
    const log = await openLog('chain')
    return open(
      'chain',
      () => startChain({ port: options.ports['chain-port'], onLog: log.write }),
      (chain) => chain.stop(),
    )
  }

  async function start(): Promise<Stack> {
    const { story } = deps
    const addressFile = join(options.dataFolder, 'address.json')
    const startingDatabases = story.step('PostgreSQL', async () => ({
      value: await openPostgres(),
      detail: `${HOST}:${options.ports['postgres-port']}, databases provider and operator`,
    }))
    const startingChain = story
      .step('chain', async () => {
        const chain = await openChain()
        return { value: chain, detail: `anvil, chain id ${chain.chainId}, ${chain.url}` }
      })
      .then((chain) =>
        story.step('contracts', async () => {
          const addresses = await deployContracts(chain.url)
          await writeAddressFile(addressFile, addresses)
          return { value: { chain, addresses }, detail: 'of @oceanprotocol/contracts; address file written' }
        }),
      )
    const [databases, { chain, addresses }] = await Promise.all([startingDatabases, startingChain])

    const files = await open(
      'file origin',
      () => startFileOrigin(options.files),
      (origin) => origin.close(),
    )
    const providerUrl = `http://${HOST}:${options.ports['provider-port']}`
    const metadataCache = await story.step('metadata cache', async () => {
      const log = createFileLogger(await openLog('metadata-cache'))
      const cache = await open(
        'metadata cache',
        () =>
          startMetadataCache(
            {
              host: HOST,
              port: options.ports['metadata-port'],
              rpcUrl: chain.url,
              chainId: chain.chainId,
              factoryAddress: addresses.ERC721Factory,
              startBlock: addresses.startBlock,
              providerUrl,
              wallet: devWallet(METADATA_CACHE_ACCOUNT),
            },
            { log },
          ),
        (running) => running.close(),
      )
      return { value: cache, detail: cache.url }
    })

    const wiring: Wiring = {
      providerUrl,
      operatorServiceUrl: `http://${HOST}:${options.ports['operator-port']}`,
      engineUrl: `http://${HOST}:${await findFreePort()}`,
      metadataCacheUrl: metadataCache.url,
      rpcUrl: chain.url,
      addressFile,
      providerDatabaseUrl: databases.provider,
      operatorDatabaseUrl: databases.operator,
      podDatabaseUrl: databases.pod,
      workspacesFolder: join(options.dataFolder, 'workspaces'),
      resultsFolder: join(options.dataFolder, 'results'),
      fileOriginHost: files.host,
      path: options.path,
    }
    const services: Service[] = []
    const tellService = (settings: ServiceOptions, describe: (url: string) => Promise<string>) =>
      story.step(settings.name, async () => {
        const service = await openService(settings)
        services.push(service)
        return { value: service, detail: await describe(service.url) }
      })
    let sandbox = ''
    await Promise.all([
      tellService(buildOperatorService(wiring), (url) => Promise.resolve(url)),
      tellService(buildOperatorEngine(wiring), async (url) => {
        sandbox = await readSandbox(url)
        return sandbox
      }),
      tellService(buildProvider(wiring), (url) => Promise.resolve(url)),
    ])

    const broken = Promise.race(
      services.map(async (service): Promise<never> => {
        const exit = await service.exited
        throw new ServiceError(service.name, `ended by itself (${describeExit(exit)})`, {
          path: join(logFolder, `${service.name}.log`),
          lines: service.recentLog(),
        })
      }),
    )
    broken.catch(() => undefined) // an orderly stop ends the services, too, when nobody waits for this any more
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
      sandbox,
      isSandboxed: !sandbox.includes('NOT sandboxed'),
      logFolder,
      pids: Object.fromEntries(services.map(({ name, pid }) => [name, pid])),
      broken,
    }
  }
}

async function readSandbox(engineUrl: string): Promise<string> {
  const response = await fetch(engineUrl)
  const answer = (await response.json()) as { executor?: unknown }
  return String(answer.executor)
}
