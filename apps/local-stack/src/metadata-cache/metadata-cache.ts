import { createHttpApp, listen, notFound, renderErrors } from '@c2d/http-kit'
import { AppError, sleep, toError, type Logger } from '@c2d/runtime'
import { JsonRpcProvider, type BaseWallet } from 'ethers'
import { createChainFacts } from './chain-facts.ts'
import { createDocumentReader } from './document-reader.ts'
import { createIndexer } from './indexer.ts'
import { parseDocument, signDocument } from './validate-document.ts'

const BODY_LIMIT_BYTES = 2 * 1024 * 1024
const POLL_MS = 1_000

/** What the cache reads, and where it listens. */
export interface MetadataCacheOptions {
  readonly host: string
  readonly port: number
  readonly rpcUrl: string
  readonly chainId: number
  readonly factoryAddress: string
  /** The block from which events are worth reading. */
  readonly startBlock: number
  /** The provider that decrypts documents. It may start later than the cache. */
  readonly providerUrl: string
  /** The cache's own account: asks for decryption, signs validations. */
  readonly wallet: BaseWallet
}

/** A running metadata cache. */
export interface MetadataCache {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts a metadata cache for development: the Aquarius routes that clients and providers use (reference: ocean.js §7),
 * fed by the chain's events. A question makes it read the chain first, so that what was published a moment ago is found;
 * a slow timer does the same, so that a document is decrypted before anyone asks.
 */
export async function startMetadataCache(
  options: MetadataCacheOptions,
  deps: { readonly log: Logger },
): Promise<MetadataCache> {
  const { log } = deps
  const rpc = new JsonRpcProvider(options.rpcUrl, options.chainId, { staticNetwork: true, cacheTimeout: -1 })
  const indexer = createIndexer(
    { startBlock: options.startBlock },
    { rpc, facts: createChainFacts(options, { rpc }), read: createDocumentReader(options), log },
  )

  const app = createHttpApp({ bodyLimitBytes: BODY_LIMIT_BYTES }, { log })
  app.get('/', (_request, response) => {
    response.json({ software: 'Metadata cache for development', chainIds: [options.chainId] })
  })
  app.get('/api/aquarius/assets/ddo/:did', async (request, response) => {
    await indexer.sync()
    const text = await indexer.findAsset(request.params.did)
    if (text === undefined) throw unknownAsset(request.params.did)
    response.type('application/json').send(text)
  })
  app.get('/api/aquarius/assets/metadata/:did', async (request, response) => {
    await indexer.sync()
    const text = await indexer.findAsset(request.params.did)
    if (text === undefined) throw unknownAsset(request.params.did)
    const asset = JSON.parse(text) as { metadata: unknown }
    response.json(asset.metadata)
  })
  app.post('/api/aquarius/assets/ddo/validate', (request, response) => {
    const body: unknown = request.body
    if (!Buffer.isBuffer(body)) {
      throw new AppError('InvalidRequest', { detail: 'Send the document as application/octet-stream.' })
    }
    const document = parseDocument(body.toString('utf8'))
    if ('problems' in document) {
      response.status(400).json({ errors: document.problems })
      return
    }
    response.json(signDocument(body, options.wallet))
  })
  app.use(notFound)
  app.use(renderErrors('operator', { log }))

  const listening = await listen(app, options)
  const stopping = new AbortController()
  const polling = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await indexer.sync()
      } catch (thrown) {
        log.warn({ err: toError(thrown).message }, 'the chain cannot be read')
      }
      await sleep(POLL_MS, stopping.signal)
    }
  })()
  return {
    url: `http://${options.host}:${listening.port}`,
    close: async () => {
      stopping.abort()
      rpc.destroy()
      await listening.close()
      await polling
    },
  }
}

function unknownAsset(did: string): AppError {
  return new AppError('NotFound', { detail: `Asset DID ${did.slice(0, 100)} not found.` })
}
