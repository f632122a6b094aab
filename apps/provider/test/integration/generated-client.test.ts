import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createOperatorService } from '../../src/clients/operator-service.ts'
import { ask } from './support/api.ts'
import { compileAgainst } from './support/generated-client.ts'
import { openOperatorHouse, type OperatorHouse } from './support/operator-house.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

/** A consumer who knows the description, the chain, and nothing else of ours. */
const PROGRAM = `
import { Contract, getBytes, JsonRpcProvider, keccak256, NonceManager, toUtf8Bytes, Wallet } from 'ethers'
import createClient from 'openapi-fetch'
import type { components, paths } from './paths.ts'

type Quote = components['schemas']['Quote']
declare const process: { argv: string[] }
const { url, rpcUrl, key, dataset, algorithm } = JSON.parse(process.argv[2] ?? '')
const client = createClient<paths>({ baseUrl: url })
const chain = new JsonRpcProvider(rpcUrl, 8996, { staticNetwork: true, pollingInterval: 20 })
const wallet = new Wallet(key)
const signer = new NonceManager(wallet.connect(chain))
const consumerAddress = wallet.address

const ABI = [
  'function approve(address spender, uint256 amount)',
  'function startOrder(address consumer, uint256 serviceIndex, (address providerFeeAddress, address providerFeeToken, uint256 providerFeeAmount, uint8 v, bytes32 r, bytes32 s, uint256 validUntil, bytes providerData) fee, (address consumeMarketFeeAddress, address consumeMarketFeeToken, uint256 consumeMarketFeeAmount) marketFee)',
]
const ZERO = '0x' + '0'.repeat(40)

function need<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error))
  return answer.data
}
async function sign(message: string) {
  const { nonce: last } = need(await client.GET('/api/services/nonce', { params: { query: { userAddress: consumerAddress } } }))
  const nonce = String(Number(last) + 1)
  return { nonce, signature: await wallet.signMessage(getBytes(keccak256(toUtf8Bytes(message + nonce)))) }
}
async function order(quote: Quote | undefined, environmentAddress: string): Promise<string> {
  const { datatoken, providerFee: fee } = quote ?? {}
  if (!datatoken || !fee) throw new Error('there is nothing to order')
  if (BigInt(fee.providerFeeAmount) > 0n) {
    const approved = await new Contract(fee.providerFeeToken, ABI, signer).getFunction('approve')(datatoken, fee.providerFeeAmount)
    await approved.wait()
  }
  const marketFee = { consumeMarketFeeAddress: ZERO, consumeMarketFeeToken: ZERO, consumeMarketFeeAmount: 0 }
  const sent = await new Contract(datatoken, ABI, signer).getFunction('startOrder')(environmentAddress, 0, fee, marketFee)
  return (await sent.wait()).hash
}

const root = need(await client.GET('/'))
const environments = need(await client.GET('/api/services/computeEnvironments'))
const environment = environments[String(root.chainIds[0])]?.find(({ priceMin }) => Number(priceMin) > 0)
if (!environment) throw new Error('there is no environment that costs')
const validUntil = Math.floor(Date.now() / 1000) + 120
const quotes = need(
  await client.POST('/api/services/initializeCompute', {
    body: { datasets: [dataset], algorithm, compute: { env: environment.id, validUntil }, consumerAddress },
  }),
)
const datasetTx = await order(quotes.datasets[0], environment.consumerAddress)
const algorithmTx = await order(quotes.algorithm, environment.consumerAddress)
const [started] = need(
  await client.POST('/api/services/compute', {
    body: {
      consumerAddress,
      environment: environment.id,
      dataset: { ...dataset, transferTxId: datasetTx },
      algorithm: { ...algorithm, transferTxId: algorithmTx },
      ...(await sign(consumerAddress + dataset.documentId)),
    },
  }),
)
const jobId = started?.jobId ?? ''
let job: components['schemas']['Job'] | undefined
while (!job?.dateFinished) {
  const query = { consumerAddress, jobId, ...(await sign(consumerAddress + jobId)) }
  job = need(await client.GET('/api/services/compute', { params: { query } }))[0]
}
console.log(JSON.stringify({ paidWei: quotes.datasets[0]?.providerFee?.providerFeeAmount, started, job }))
chain.destroy()
`

const MISTAKE = `
import createClient from 'openapi-fetch'
import type { paths } from './paths.ts'
const client = createClient<paths>({ baseUrl: '' })
await client.POST('/api/services/compute', { body: { environment: 'free' } })
`

const ALGORITHM = `require('node:fs').writeFileSync((process.env.OUTPUTS ?? '/data/outputs') + '/done', 'yes')`

describe('a client generated from the description', () => {
  let house: OperatorHouse
  let stack: Stack
  let spec: unknown

  beforeAll(async () => {
    house = await openOperatorHouse()
    const operator = createOperatorService({ url: house.url, universalKey: PROVIDER_KEY, timeoutMs: 5_000 })
    stack = await startStack({}, { operator })
    await house.startEngine([stack.url, stack.cache.url].map((url) => new URL(url).host))
    spec = (await ask(stack, 'GET', '/spec')).json
  })
  afterAll(async () => {
    await house.close()
    await stack.close()
  })

  it('orders, starts a job that costs, and reads how it ends', async () => {
    const here = { serviceEndpoint: stack.url }
    const files = [stack.origin.offer('/data', 'x')]
    const dataset = await stack.publish({ ...here, files, compute: { publisherTrustedAlgorithms: ['*'] } })
    const algorithm = await stack.publish({
      ...here,
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algorithm.js', ALGORITHM)],
    })
    await stack.publisher.mint(stack.chain.addresses.Ocean, stack.consumer.address, 10n ** 20n)
    const program = await compileAgainst(spec, PROGRAM)
    try {
      expect(program.problems).toEqual([])
      const said = await program.run({
        url: stack.url,
        rpcUrl: stack.chain.rpcUrl,
        key: stack.consumer.key,
        dataset: { documentId: dataset.did, serviceId: dataset.serviceId },
        algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId },
      })
      expect(said).toMatchObject({
        paidWei: expect.stringMatching(/^[1-9]\d{16}/),
        started: { owner: stack.consumer.address },
        job: { status: 70, exitCode: 0 },
      })
    } finally {
      await program.remove()
    }
  })

  it('error: a start without what it needs does not compile', async () => {
    const program = await compileAgainst(spec, MISTAKE)
    await program.remove()
    expect(program.problems).toEqual([expect.stringContaining('missing the following properties')])
  })
})
