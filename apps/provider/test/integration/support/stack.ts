import { addressOf, type ChainClientOptions } from '@c2d/chain'
import type { ComputeOptions } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { startTestChain } from '@c2d/testing'
import type { AppDeps, AppOptions } from '../../../src/app.ts'
import { openOriginFetch } from '../../../src/clients/origin-fetch.ts'
import { createOperatorService } from '../../../src/clients/operator-service.ts'
import { createChainActor } from './chain-actor.ts'
import { buildEnvironment, startFakeOperator } from './fake-operator.ts'
import { startFileOrigin } from './file-origin.ts'
import { startMetadataCacheStub } from './metadata-cache-stub.ts'
import { startProviderApp, TIMEOUT_MS } from './provider-app.ts'
import { publishAsset, republishAsset, type AssetChoices, type PublishedAsset } from './publish-asset.ts'

/** The provider's own key, and the one an environment downloads with. */
export const PROVIDER_KEY = DEV_ACCOUNTS.provider.publishedPrivateKey
export const ENVIRONMENT_KEY = devWallet(5).privateKey

/** A provider on a real database and a real chain, between a fake operator, a cache and an origin of files. */
export type Stack = Awaited<ReturnType<typeof startStack>>

/** Starts everything; `changes` are options of the app, `others` replace what it talks to, `reading` is how chains are read. */
export async function startStack(
  changes: Partial<AppOptions> = {},
  others: Partial<AppDeps> = {},
  reading: Partial<ChainClientOptions> = {},
) {
  const consumerAddress = addressOf(ENVIRONMENT_KEY)
  const [chain, origin, operator, cache] = await Promise.all([
    startTestChain(),
    startFileOrigin(),
    startFakeOperator([
      buildEnvironment({ id: 'free', priceMin: 0, consumerAddress }),
      buildEnvironment({ id: 'paid', priceMin: '0.1', consumerAddress }),
    ]),
    startMetadataCacheStub(),
  ])
  const app = await startProviderApp(
    { key: PROVIDER_KEY, chain, cacheUrl: cache.url },
    {
      operator: createOperatorService({ url: operator.url, universalKey: PROVIDER_KEY, timeoutMs: TIMEOUT_MS }),
      fetch: openOriginFetch({ allowList: [origin.host], timeoutMs: TIMEOUT_MS }),
      ...others,
    },
    changes,
    reading,
  )
  const publisher = createChainActor(chain, DEV_ACCOUNTS.publisher.index)
  const consumer = createChainActor(chain, DEV_ACCOUNTS.consumer.index)
  const stranger = createChainActor(chain, 3)
  return {
    url: app.url,
    chain,
    db: app.db,
    origin,
    operator,
    cache,
    publisher,
    consumer,
    stranger,
    /** What a signal does first: nobody new is let in, who is in may finish. */
    stopServing: app.stopServing,
    environmentAddress: consumerAddress,
    publish: (choices: AssetChoices): Promise<PublishedAsset> =>
      publishAsset(choices, { publisher, consumer, providerKey: PROVIDER_KEY, cache }),
    republish: (asset: PublishedAsset, compute: ComputeOptions): Promise<void> =>
      republishAsset(asset, compute, { publisher, providerKey: PROVIDER_KEY, cache }),
    async close() {
      await app.close()
      for (const actor of [publisher, consumer, stranger]) actor.close()
      await Promise.all([origin, operator, cache].map((stub) => stub.close()))
      await chain.stop()
    },
  }
}
