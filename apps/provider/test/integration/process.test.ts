import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { DEV_ACCOUNTS, devWallet, findFreePort } from '@c2d/dev-servers'
import { createTestDatabase, startTestChain, type TestChain, type TestDatabase } from '@c2d/testing'
import { decodeProtectedHeader, jwtVerify } from 'jose'

// The service as an operator runs it; `npx tsc -b apps/provider` builds what is started here.
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const SECRET = 'a secret that this process is told by its environment'

describe('the provider as a process', () => {
  let chain: TestChain
  let database: TestDatabase
  let child: ChildProcess
  let url: string
  let metricsUrl: string
  let output = ''

  beforeAll(async () => {
    ;[chain, database] = await Promise.all([startTestChain(), createTestDatabase({ migrate: () => Promise.resolve() })])
    const [port, metricsPort] = [await findFreePort(), await findFreePort()]
    url = `http://127.0.0.1:${port}`
    metricsUrl = `http://127.0.0.1:${metricsPort}`
    child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH'],
        OCEAN_PROVIDER_URL: url,
        METRICS_ADDRESS: metricsUrl,
        DATABASE_URL: database.url,
        NETWORK_URL: chain.rpcUrl,
        ADDRESS_FILE: chain.addressFile,
        PROVIDER_PRIVATE_KEY: DEV_ACCOUNTS.provider.publishedPrivateKey,
        AUTH_TOKEN_SECRET: SECRET,
        MAX_AUTH_TOKEN_SECONDS: '100',
        RATE_LIMIT_PER_MINUTE: '1000',
        LOG_LEVEL: 'debug',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += String(chunk)))
    while (!(await isReady())) {
      if (child.exitCode !== null) throw new Error(`the provider ended: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
  afterAll(async () => {
    if (child.exitCode === null) child.kill('SIGKILL')
    await Promise.all([chain.stop(), database.drop()])
  })

  const isReady = (): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    )

  it('serves its metrics where it is told to, and nowhere else', async () => {
    expect(await (await fetch(`${metricsUrl}/metrics`)).text()).toContain('c2d_provider_http_requests_total')
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
    expect((await fetch(`${metricsUrl}/`)).status).toBe(404)
  })

  it('signs tokens with the secret it is told, and logs neither tokens nor signatures', async () => {
    const { address, privateKey } = devWallet(3)
    const ask = async (seconds: number): Promise<Response> => {
      const expiration = String(Math.floor(Date.now() / 1000) + seconds)
      const nonce = String(Date.now())
      const signature = signMessage(address + expiration + nonce, privateKey)
      return fetch(
        `${url}/api/services/createAuthToken?${new URLSearchParams({ address, expiration, nonce, signature }).toString()}`,
      )
    }
    expect((await ask(200)).status).toBe(400)
    const { token } = (await (await ask(90)).json()) as { token: string }
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' })
    expect((await jwtVerify(token, Buffer.from(SECRET))).payload).toMatchObject({ address })
    expect(output).toContain('/api/services/createAuthToken')
    for (const secret of [token, 'signature=', SECRET]) expect(output).not.toContain(secret)
  })

  it('ends well when it is told to', async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
    expect([child.exitCode, child.signalCode]).toEqual([0, null])
  })
})
