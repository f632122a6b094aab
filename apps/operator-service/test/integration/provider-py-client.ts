import { request } from 'node:http'
import { addressOf, signMessage } from '@c2d/chain'
import { operatorMessage } from '@c2d/contracts'

// The bytes that provider-py 2.1.6 sends (operator-service-api §3.4, §6, §14): Python's JSON with its blanks, the nonce
// a bare 19-digit integer, v as 00 or 01, the headers of its HTTP client, calls about jobs in the query.

const KEY = `0x${'33'.repeat(32)}`

/** Who signs for the provider. */
export const PROVIDER_ADDRESS = addressOf(KEY)

export const HEADERS = {
  'User-Agent': 'python-requests/2.31.0',
  'Accept-Encoding': 'gzip, deflate',
  Accept: '*/*',
  Connection: 'keep-alive',
  'Content-type': 'application/json',
}

export interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
  body: unknown
}

/** Sends exactly these bytes. */
export function send(method: string, url: string, headers: Record<string, string>, bytes?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json') === true
        const body: unknown = isJson ? JSON.parse(text) : text
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body })
      })
    })
    call.once('error', reject)
    if (bytes !== undefined) call.write(bytes)
    call.end()
  })
}

/** r, s and v as 00 or 01. */
export function signAsPython(m: { owner: string; jobId?: string; nonce: string }): string {
  const signature = signMessage(operatorMessage(m), KEY)
  return signature.slice(0, -2) + (signature.endsWith('1b') ? '00' : '01')
}

export const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()

/** The body of a start request; `input` and `algorithm` are JSON as Python writes it. */
export function startBytes(m: {
  agreementId: string
  owner: string
  nonce: string
  signature: string
  environment: string
  providerAddress: string
  input: string
  algorithm: string
}): string {
  return (
    `{"workflow": {"stages": [{"index": 0, "input": ${m.input}, "compute": {"Instances": 1, "namespace": ` +
    `"${m.environment}", "maxtime": 3600}, "algorithm": ${m.algorithm}, ` +
    '"output": {"metadataUri": "http://172.15.0.5:5000"}}]}, ' +
    `"agreementId": "${m.agreementId}", "owner": "${m.owner}", "providerSignature": "${m.signature}", ` +
    `"providerAddress": "${m.providerAddress}", "environment": "${m.environment}", "validUntil": 1900003600, ` +
    `"nonce": ${m.nonce}, "chainId": 8996}`
  )
}
