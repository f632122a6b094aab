import { fileURLToPath } from 'node:url'
import { DEV_ACCOUNTS, DEV_CHAIN_ID, devWallet } from '@c2d/dev-servers'
import { buildEnvironmentList } from './environments.ts'
import { nodeCommand, programOf, type ServiceSettings } from './service.ts'

/** What the three services have to know of each other and of the stack's servers. */
export interface Wiring {
  readonly providerUrl: string
  readonly operatorServiceUrl: string
  readonly engineUrl: string
  readonly metadataCacheUrl: string
  readonly rpcUrl: string
  /** The ERC721Factory. */
  readonly factoryAddress: string
  readonly addressFile: string
  readonly providerDatabaseUrl: string
  readonly operatorDatabaseUrl: string
  /** The operator's database, as the role that pods report with. */
  readonly podDatabaseUrl: string
  /** What operator-service shows engines, to be given live logs. */
  readonly engineSecret: string
  readonly workspacesFolder: string
  readonly resultsFolder: string
  /** `host:port` of the publisher's files. */
  readonly fileOriginHost: string
  /** Where interpreters are found. */
  readonly path: string
}

/** How the provider is started (provider-http-api §9.1). */
export function buildProvider(wiring: Wiring): ServiceSettings {
  return {
    name: 'provider',
    command: nodeCommand(programOf('provider', 'dist/main.js')),
    url: wiring.providerUrl,
    env: {
      OCEAN_PROVIDER_URL: wiring.providerUrl,
      DATABASE_URL: wiring.providerDatabaseUrl,
      NETWORK_URL: JSON.stringify({ [DEV_CHAIN_ID]: wiring.rpcUrl }),
      PROVIDER_PRIVATE_KEY: JSON.stringify({ [DEV_CHAIN_ID]: DEV_ACCOUNTS.provider.publishedPrivateKey }),
      UNIVERSAL_PRIVATE_KEY: DEV_ACCOUNTS.provider.publishedPrivateKey,
      ADDRESS_FILE: wiring.addressFile,
      AQUARIUS_URL: wiring.metadataCacheUrl,
      OPERATOR_SERVICE_URL: wiring.operatorServiceUrl,
      // Everything here is on this machine: the publisher's files, and the provider itself.
      OUTBOUND_ALLOW: [wiring.fileOriginHost, new URL(wiring.providerUrl).host].join(','),
    },
  }
}

/** How operator-service is started (operator-service-api §12). */
export function buildOperatorService(wiring: Wiring): ServiceSettings {
  return {
    name: 'operator-service',
    command: nodeCommand(programOf('operator-service', 'dist/main.js')),
    url: wiring.operatorServiceUrl,
    env: {
      OPERATOR_URL: wiring.operatorServiceUrl,
      DATABASE_URL: wiring.operatorDatabaseUrl,
      POD_DATABASE_PASSWORD: new URL(wiring.podDatabaseUrl).password,
      ALLOWED_PROVIDERS: JSON.stringify([DEV_ACCOUNTS.provider.address]),
      RESULTS_FOLDER: wiring.resultsFolder,
      ENGINE_SECRET: wiring.engineSecret,
    },
  }
}

const OPERATOR_ACCOUNT = 6

/** The operator's account on the development chain: it anchors proofs and makes assets of results. */
function buildWallets({ rpcUrl, factoryAddress }: Wiring): string {
  const { privateKey } = devWallet(OPERATOR_ACCOUNT)
  const wallet = { chainId: DEV_CHAIN_ID, rpcUrls: [rpcUrl], privateKey, factoryAddress }
  // A block comes with each transaction: what is mined stays.
  return JSON.stringify([{ ...wallet, confirmations: 0, anchorProofs: true }])
}

/** What ends the steps that an engine leaves behind: built, also where this file is not. */
const END_STEPS = fileURLToPath(new URL('../../dist/stack/end-steps.js', import.meta.url))

/** How operator-engine is started, with the process executor (DESIGN §5). */
export function buildOperatorEngine(wiring: Wiring): ServiceSettings {
  return {
    name: 'operator-engine',
    command: nodeCommand(programOf('operator-engine', 'dist/main.js')),
    url: wiring.engineUrl,
    // It lets running passes end and gives its jobs back before it goes.
    stopGraceMs: 15_000,
    afterwards: [process.execPath, END_STEPS, wiring.workspacesFolder],
    env: {
      PATH: wiring.path,
      DATABASE_URL: wiring.operatorDatabaseUrl,
      POD_DATABASE_URL: wiring.podDatabaseUrl,
      ENVIRONMENTS: buildEnvironmentList(),
      EXECUTOR: 'process',
      WALLETS: buildWallets(wiring),
      WORKSPACES_FOLDER: wiring.workspacesFolder,
      RESULTS_FOLDER: wiring.resultsFolder,
      POD_CONFIGURATION_PROGRAM: programOf('pod-configuration', 'dist/pod.mjs'),
      POD_PUBLISHING_PROGRAM: programOf('pod-publishing', 'dist/pod.mjs'),
      // Pods fetch documents from the cache and files through the provider, and nothing else.
      OUTBOUND_ALLOW: [wiring.providerUrl, wiring.metadataCacheUrl].map((url) => new URL(url).host).join(','),
      // Only permits: where a sandbox works it is used, and where none does the story says so.
      ALLOW_UNSANDBOXED: 'true',
      ENGINE_SECRET: wiring.engineSecret,
      HEALTH_HOST: '127.0.0.1',
      HEALTH_PORT: new URL(wiring.engineUrl).port,
    },
  }
}
