import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createCanary, type Canary } from '../../src/executor/kubernetes/canary.ts'

let canary: Canary

afterEach(() => canary.close())

describe('the canary', () => {
  it('answers whoever connects, lets go at once, and stays', async () => {
    canary = await createCanary({ host: '127.0.0.1', port: 0 })
    for (let visit = 0; visit < 3; visit++) {
      const socket = connect(canary.port, '127.0.0.1')
      const said: Buffer[] = []
      socket.on('data', (data) => said.push(data))
      await once(socket, 'close')
      expect(said).toEqual([])
    }
  })

  it('behaviour: a visitor that is cut off in the middle does no harm', async () => {
    canary = await createCanary({ host: '127.0.0.1', port: 0 })
    const rude = connect(canary.port, '127.0.0.1')
    await once(rude, 'connect')
    rude.resetAndDestroy()
    const socket = connect(canary.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  })
})
