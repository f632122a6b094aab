import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createChainClient, createChainWallet, type ChainClient, type ChainWallet } from '@c2d/chain'
import type { DerivedAsset } from '@c2d/contracts'
import { devWallet } from '@c2d/dev-servers'
import { createGuardedFetch, type GuardedFetch } from '@c2d/http-kit'
import { listTransactions, MIGRATIONS } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { buildStatement } from '@c2d/proof'
import { createLogger, Secret } from '@c2d/runtime'
import {
  buildProofPredicate,
  createTestDatabase,
  startTestChain,
  type TestChain,
  type TestDatabase,
} from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { publishAsset, type AssetToPublish, type PublishOutcome } from '../../src/derived-assets/publish-asset.ts'
import { settleTransactions } from '../../src/transactions/settle-transactions.ts'

const KEY = devWallet(6).privateKey
const OWNER = devWallet(1).address
const LIMITS = { confirmations: 0, outbidAfterMs: 3_600_000, lookEveryMs: 0 }
const SHA = 'a'.repeat(64)

let chain: TestChain
let database: TestDatabase
let db: Database
let client: ChainClient
let wallet: ChainWallet
let provider: Server
let fetch: GuardedFetch
let serviceEndpoint: string

beforeAll(async () => {
  chain = await startTestChain()
  database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  db = openDatabase({ url: database.url, applicationName: 'assets' })
  const { ERC721Factory: factoryAddress, startBlock } = chain.addresses
  client = createChainClient({ chainId: 8996, rpcUrl: chain.rpcUrl, factoryAddress, startBlock })
  wallet = createChainWallet({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, KEY)
  provider = createServer((_request, response) => response.writeHead(201).end('0x1234'))
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(provider.address() as AddressInfo).port}`
  serviceEndpoint = `http://${host}`
  fetch = createGuardedFetch({ allowList: [host], timeoutMs: 5_000 })
})
afterAll(async () => {
  client.close()
  wallet.close()
  provider.close()
  await db.destroy()
  await database.drop()
  await chain.stop()
})

function buildAsset(jobId: string): AssetToPublish {
  const wish: DerivedAsset = { outputs: true, log: false, owner: OWNER, whitelist: [], metadata: {}, serviceEndpoint }
  const statement = buildStatement(
    buildProofPredicate({
      job: { id: jobId, agreementId: '0x1', chainId: 8996, consumer: OWNER },
      environment: { id: 'e', address: wallet.address },
    }),
    [],
  )
  const result = { filename: 'r', filesize: 1, url: 'filesystem:x', type: 'output' as const }
  return {
    jobId,
    chainId: 8996,
    wish,
    results: [{ index: 0, result }],
    resultToken: SHA,
    proof: { statement, sha256: SHA },
  }
}

/** A wallet whose process dies at the nth call of anything. */
function mortal(dies: number): ChainWallet {
  let calls = 0
  return new Proxy(wallet, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls += 1
        if (calls === dies) return Promise.reject(new Error('killed'))
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
}

function advance(asset: AssetToPublish, by: ChainWallet): Promise<PublishOutcome> {
  const operator = {
    wallet: by,
    privateKey: new Secret(KEY),
    maxGas: 5_000_000n,
    anchorsProofs: false,
    factoryAddress: chain.addresses.ERC721Factory,
    limits: LIMITS,
  }
  return publishAsset(asset, { db, fetch, operator })
}

/** What an engine does in a round of its own; what a killed one had taken is due at once. */
async function settle(by: ChainWallet): Promise<void> {
  const log = createLogger({ component: 'test', level: 'silent' })
  await db.raw("UPDATE chain_transactions SET next_at = now() WHERE state = 'sent'")
  await settleTransactions(by, LIMITS, { db, by: 'engine test', nowMs: Date.now, log })
}

async function countNfts(): Promise<number> {
  return (await client.listNfts()).length
}

describe('assets of results', () => {
  it('attack: killed at any call of any step, two engines at once: one asset, and it is its owner’s', async () => {
    for (let dies = 1; dies <= 12; dies += 1) {
      const asset = buildAsset(dies.toString(16).padStart(32, '0'))
      const before = await countNfts()
      await advance(asset, mortal(dies)).catch(() => undefined)
      await settle(mortal(dies)).catch(() => undefined)
      let outcome: PublishOutcome = { state: 'waiting', note: '' }
      for (let pass = 0; outcome.state === 'waiting' && pass < 50; pass += 1) {
        await Promise.allSettled([advance(asset, wallet), advance(asset, mortal(dies))])
        await settle(wallet)
        outcome = await advance(asset, wallet)
      }
      expect(outcome.state).toBe('published')
      if (outcome.state !== 'published') continue
      expect(await countNfts()).toBe(before + 1)
      expect(await client.nftOwner(outcome.nft)).toBe(OWNER)
      expect(await client.latestMetadata(outcome.nft)).toMatchObject({ state: 0 })
      expect(await listTransactions(db, asset.jobId)).toHaveLength(3)
    }
  }, 120_000)

  it('error: what has so many files that its document cannot be paid for is refused before anything is minted', async () => {
    const asset = buildAsset('e'.repeat(32))
    const [first] = asset.results
    const before = await countNfts()
    const results = Array.from({ length: 1_000 }, (_, index) => ({ ...first!, index }))
    const outcome = await advance({ ...asset, results }, wallet)
    expect(outcome).toEqual({ state: 'refused', note: expect.stringContaining('it would cost too much') })
    expect(await listTransactions(db, asset.jobId)).toEqual([])
    expect(await countNfts()).toBe(before)
  })

  it('error: a provider that does not encrypt costs time, and nothing else', async () => {
    const asset = buildAsset('f'.repeat(32))
    asset.wish.serviceEndpoint = 'http://127.0.0.1:9'
    await advance(asset, wallet)
    while ((await listTransactions(db, asset.jobId))[0]?.state === 'sent') await settle(wallet)
    await expect(advance(asset, wallet)).rejects.toThrow()
    expect(await listTransactions(db, asset.jobId)).toHaveLength(1)
  })
})
