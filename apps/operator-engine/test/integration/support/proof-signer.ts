import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressOf, signText } from '@c2d/chain'
import { signProofRequestSchema, type SignProofRequest } from '@c2d/contracts'

/** How a signer answers what it was asked. */
export type SignerAnswer = (asked: SignProofRequest, response: ServerResponse) => void

/** A signer of proofs as an operator may have one, on a port of its own. */
export interface TestSigner {
  address: string
  /** Settings of an engine that is to use it. */
  settings: Record<string, string>
  /** What it was asked by whoever showed its token. */
  asked: SignProofRequest[]
  /** How many came without its token. */
  strangers: number
  /** Answers from now on; what is asked already stays with its own. */
  answer: SignerAnswer
  start(): Promise<void>
  stop(): Promise<void>
}

const TOKEN = 'shown-by-engines-only'

/** @param privateKey of the key that it signs with when it is honest; see `signWith` */
export function createTestSigner(privateKey: string, timeoutSeconds = 20): TestSigner {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${TOKEN}` || request.method !== 'POST') {
        signer.strangers += 1
        response.writeHead(401).end()
        return
      }
      const asked = signProofRequestSchema.parse(JSON.parse(body))
      signer.asked.push(asked)
      signer.answer(asked, response)
    })
  })
  let port = 0
  const signer: TestSigner = {
    address: addressOf(privateKey),
    settings: {},
    asked: [],
    strangers: 0,
    answer: signWith(privateKey),
    async start() {
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
      signer.settings = {
        PROOF_SIGNER_URL: `http://127.0.0.1:${port}/sign`,
        PROOF_SIGNER_ADDRESS: signer.address.toLowerCase(),
        PROOF_SIGNER_TOKEN: TOKEN,
        PROOF_SIGNER_TIMEOUT_SECONDS: String(timeoutSeconds),
      }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return signer
}

/** Signs as key stores do: r and s, without v. */
export function signWith(privateKey: string, textOf: (asked: SignProofRequest) => string = ({ text }) => text) {
  return (asked: SignProofRequest, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ signature: signText(textOf(asked), privateKey).slice(0, -2) }))
  }
}
