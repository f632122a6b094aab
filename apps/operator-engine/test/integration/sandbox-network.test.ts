import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { SANDBOXES_HERE } from './sandboxes-here.ts'
import { waitUntil } from './steps-under-test.ts'
import { openSealedRuns, type SealedRuns } from './support/sealed-runs.ts'

const run = promisify(execFile)

/** Says REACHED when something answers there, else what stopped it. Run by Node, inside and outside. */
const connectProgram = (host: string, port: number) => `
const socket = require('net').connect({ host: '${host}', port: ${port}, timeout: 2000 })
const end = (word) => { console.log(word); process.exit(0) }
socket.on('connect', () => end('REACHED')).on('error', (e) => end('blocked ' + e.code)).on('timeout', () => end('blocked timeout'))`

const sendProgram = (host: string, port: number) => `
const socket = require('dgram').createSocket('udp4')
socket.send('hello', ${port}, '${host}', (error) => { console.log(error ? 'blocked ' + error.code : 'SENT'); socket.close() })`

describe.each(SANDBOXES_HERE)('sandbox %s: what an algorithm tries in vain on the network', (kind) => {
  let runs: SealedRuns
  let reached = 0
  let datagrams = 0
  const tcp = createServer((socket) => {
    reached += 1
    socket.on('error', () => undefined)
    socket.end()
  })
  const udp = createSocket('udp4')
  const runOutside = async (code: string) => (await run(process.execPath, ['-e', code])).stdout.trim()

  beforeAll(async () => {
    runs = await openSealedRuns(kind)
    // Dual stack: every address of this machine reaches it.
    await new Promise<void>((resolve) => tcp.listen({ port: 0, host: '::' }, resolve))
    await new Promise<void>((resolve) => udp.bind(0, '0.0.0.0', resolve))
    udp.on('message', () => {
      datagrams += 1
    })
  })
  afterEach(() => runs.clear())
  afterAll(async () => {
    await runs.close()
    await new Promise((resolve) => tcp.close(resolve))
    await new Promise<void>((resolve) => udp.close(resolve))
  })

  const ownAddresses = () =>
    Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .map(({ address, scopeid }) => (scopeid ? null : address))
      .filter((address) => address !== null)

  it('behaviour: reaches no address of this machine by TCP', async () => {
    const { port } = tcp.address() as AddressInfo
    expect(ownAddresses()).toContain('127.0.0.1')
    for (const address of new Set([...ownAddresses(), '::1'])) {
      const program = connectProgram(address, port)
      reached = 0
      const control = await runOutside(program)
      // A machine without IPv6 has no ::1 to protect; every other address must show that the listener is there.
      if (ownAddresses().includes(address)) expect(control).toBe('REACHED')
      reached = 0
      expect(await runs.runNode(program)).toMatch(/^blocked/)
      expect(reached).toBe(0)
    }
  })

  it('behaviour: sends no datagram out', async () => {
    const { port } = udp.address()
    for (const address of ownAddresses().filter((each) => !each.includes(':'))) {
      datagrams = 0
      await runOutside(sendProgram(address, port))
      await waitUntil(() => datagrams === 1)
      datagrams = 0
      await runs.runNode(sendProgram(address, port))
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(datagrams).toBe(0)
    }
  })

  it('behaviour: sees no network interface but its own loopback', async () => {
    const { log } = await runs.run('tail -n +3 /proc/net/dev | cut -d: -f1')
    expect(log.trim()).toMatch(/^(lo)?$/)
    expect((await readFile('/proc/net/dev', 'utf8')).split('\n').length).toBeGreaterThan(3)
  })

  it('behaviour: opens no raw and no packet socket', async () => {
    const code = `import socket
for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_PACKET, socket.SOCK_RAW, 0)):
    try:
        socket.socket(family, kind, protocol); print('OPENED')
    except OSError as error:
        print('blocked', error.errno)`
    if (process.geteuid?.() === 0) expect((await run('python3', ['-c', code])).stdout).toContain('OPENED')
    const { log } = await runs.run('python3 /data/transformations/algorithm', {}, code)
    expect(log.trim().split('\n')).toEqual([expect.stringMatching(/^blocked/), expect.stringMatching(/^blocked/)])
  })
})
