import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { assertPortFree, findFreePort, isPortFree } from './free-port.ts'

describe('ports', () => {
  it('are free when found, not free while someone listens, and free again afterwards', async () => {
    const port = await findFreePort()
    expect(await isPortFree(port)).toBe(true)

    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    expect(await isPortFree(port)).toBe(false)
    await expect(assertPortFree('the chain', port)).rejects.toThrow(`the chain cannot start: port ${port}`)

    await new Promise((resolve) => server.close(resolve))
    expect(await isPortFree(port)).toBe(true)
  })
})
