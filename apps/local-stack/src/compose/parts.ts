import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEV_ACCOUNTS, DEV_CHAIN_ID, deployContracts, devWallet, startChain, writeAddressFile } from '@c2d/dev-servers'
import { createLogger, type Shutdown } from '@c2d/runtime'
import { ALGORITHMS } from '../algorithms.ts'
import { locateDataset } from '../dataset.ts'
import { startFileOrigin } from '../file-origin.ts'
import { startMetadataCache } from '../metadata-cache/metadata-cache.ts'
import { METADATA_CACHE_ACCOUNT } from '../stack/start-stack.ts'
import { runDemonstration } from '../story/demonstration.ts'
import { createStory, type Screen } from '../story/print.ts'
import type { ComposeConfig } from './config.ts'
import { addressFileIn, keepOriginSecret, loadAddresses, loadOriginSecret, removeAddresses } from './shared-files.ts'

const EVERYWHERE = '0.0.0.0'

/** The development chain with the contracts; it continues where it was stopped. The address file appears when all is there. */
export async function runChain(config: ComposeConfig, shutdown: Shutdown): Promise<void> {
  await removeAddresses(config.sharedFolder)
  const port = Number(new URL(config.chainUrl).port)
  const chain = await startChain({ host: EVERYWHERE, port, stateFile: join(config.stateFolder, 'chain.json') })
  shutdown.onClose('chain', () => chain.stop())
  await writeAddressFile(addressFileIn(config.sharedFolder), await deployContracts(chain.url))
}

/** The metadata cache. */
export async function runMetadataCache(config: ComposeConfig, shutdown: Shutdown): Promise<void> {
  const addresses = await loadAddresses(config.sharedFolder)
  const cache = await startMetadataCache(
    {
      host: EVERYWHERE,
      port: Number(new URL(config.metadataCacheUrl).port),
      rpcUrl: config.chainUrl,
      chainId: DEV_CHAIN_ID,
      factoryAddress: addresses.ERC721Factory,
      startBlock: addresses.startBlock,
      providerUrl: config.providerUrl,
      wallet: devWallet(METADATA_CACHE_ACCOUNT),
    },
    { log: createLogger({ component: 'metadata-cache', level: 'info' }) },
  )
  shutdown.onClose('metadata cache', () => cache.close())
}

/** The publisher's own web space. */
export async function runFileOrigin(config: ComposeConfig, shutdown: Shutdown): Promise<void> {
  const secret = (await loadOriginSecret(config.sharedFolder)) ?? randomBytes(16).toString('hex')
  await keepOriginSecret(config.sharedFolder, secret)
  const files = [locateDataset(), ...Object.values(ALGORITHMS)]
  const origin = await startFileOrigin(Object.fromEntries(files.map(({ fileName, path }) => [fileName, path])), {
    host: EVERYWHERE,
    port: Number(new URL(config.filesUrl).port),
    secret,
  })
  shutdown.onClose('file origin', () => origin.close())
}

/** Publishes, orders and runs the demonstration's job against the stack that is up. Gives whether its result is right. */
export async function runDemo(config: ComposeConfig, screen: Screen): Promise<boolean> {
  const secret = await loadOriginSecret(config.sharedFolder)
  if (secret === undefined) throw new Error('the file origin has not started yet')
  const dataset = locateDataset()
  const algorithm = config.algorithmImage
    ? { ...ALGORITHMS.node, container: { ...ALGORITHMS.node.container, ...config.algorithmImage } }
    : ALGORITHMS.node
  return runDemonstration(
    {
      dataset,
      algorithms: [algorithm],
      dataFolder: await mkdtemp(join(tmpdir(), 'c2d-demo-')),
      path: config.path,
      writeClientLog: () => undefined,
    },
    {
      stack: {
        urls: { provider: config.providerUrl, metadataCache: config.metadataCacheUrl, chain: config.chainUrl },
        addresses: await loadAddresses(config.sharedFolder),
        addressFile: addressFileIn(config.sharedFolder),
        accounts: DEV_ACCOUNTS,
        files: { urlOf: (fileName) => `${config.filesUrl}/${secret}/${fileName}` },
      },
      story: createStory({ colour: false }, screen),
    },
  )
}
