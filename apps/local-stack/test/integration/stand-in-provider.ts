import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { recoverSigner } from '@c2d/chain'
import { decryptMessage, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { Interface, JsonRpcProvider } from 'ethers'

const ABI = new Interface(
  ['MetadataCreated', 'MetadataUpdated'].map(
    (name) =>
      `event ${name}(address indexed by, uint8 state, string decryptorUrl, bytes flags, bytes data, bytes32 metaDataHash, uint256 timestamp, uint256 blockNumber)`,
  ),
)

/** A provider that "encrypts" by remembering, and decrypts for one address only. */
export interface StandInProvider {
  readonly url: string
  /** From now on this text is what decryption gives, whatever was published. */
  lie(text: string): void
  close(): Promise<void>
}

/** Starts a stand-in for the provider's encrypt, decrypt and fileinfo. */
export async function startStandInProvider(options: {
  readonly rpcUrl: string
  readonly decrypter: string
}): Promise<StandInProvider> {
  const plainTexts = new Map<string, string>()
  let lie: string | undefined
  const rpc = new JsonRpcProvider(options.rpcUrl, 8996, { staticNetwork: true, cacheTimeout: -1 })

  const answer = async (method: string, path: string, body: string): Promise<{ status: number; text: string }> => {
    if (path === '/') return { status: 200, text: JSON.stringify({ serviceEndpoints: PROVIDER_ENDPOINTS }) }
    if (path.startsWith(PROVIDER_ENDPOINTS.fileinfo[1])) {
      return { status: 200, text: JSON.stringify([{ index: 0, type: 'url', valid: true, checksum: 'ab'.repeat(32) }]) }
    }
    if (path.startsWith(PROVIDER_ENDPOINTS.encrypt[1])) {
      const encrypted = `0x${Buffer.from(`sealed ${plainTexts.size}`).toString('hex')}`
      plainTexts.set(encrypted, body)
      return { status: 201, text: encrypted }
    }
    if (method === 'POST' && path === PROVIDER_ENDPOINTS.decrypt[1]) return decrypt(JSON.parse(body) as DecryptRequest)
    return { status: 404, text: '{}' }
  }

  const decrypt = async (request: DecryptRequest): Promise<{ status: number; text: string }> => {
    const message = decryptMessage({ ...request, chainId: String(request.chainId) })
    if (recoverSigner(message, request.signature) !== options.decrypter) return { status: 400, text: 'bad signature' }
    if (lie !== undefined) return { status: 201, text: lie }
    const receipt = await rpc.getTransactionReceipt(request.transactionId)
    const event = receipt?.logs.map((log) => ABI.parseLog(log)).find((parsed) => parsed !== null)
    const plain = plainTexts.get(String(event?.args['data']))
    return plain === undefined ? { status: 400, text: 'unknown' } : { status: 201, text: plain }
  }

  const server = createServer((request, response) => {
    void readText(request)
      .then((body) => answer(request.method ?? '', request.url ?? '', body))
      .then(({ status, text }) => response.writeHead(status).end(text))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie: (text) => {
      lie = text
    },
    close: async () => {
      rpc.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface DecryptRequest {
  readonly transactionId: string
  readonly dataNftAddress: string
  readonly decrypterAddress: string
  readonly chainId: number
  readonly nonce: string
  readonly signature: string
}
