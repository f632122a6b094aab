import { silentLogger } from '@c2d/runtime'
import { afterEach, describe, expect, it } from '@jest/globals'
import { healthRoutes } from '../../src/health-routes.ts'
import { eventually, serve, type Served } from './serve.ts'

let served: Served
afterEach(() => served.close())

const readyz = async (): Promise<[number, unknown]> => {
  const response = await fetch(`${served.base}/readyz`)
  return [response.status, await response.json()]
}

describe('whether a service is ready', () => {
  it('says what is not, and is asked anew each time', async () => {
    let isUp = false
    const check = () => (isUp ? Promise.resolve() : Promise.reject(new Error('down')))
    const fine = () => Promise.resolve()
    served = await serve((app) => app.use(healthRoutes({ chain: check, fine }, { log: silentLogger })))
    expect(await readyz()).toEqual([503, { status: 'not ready', checks: { chain: 'failed', fine: 'ok' } }])
    isUp = true
    expect(await readyz()).toEqual([200, { status: 'ready', checks: { chain: 'ok', fine: 'ok' } }])
  })

  it('behaviour: many who ask at once cost what depends on it one question', async () => {
    let asked = 0
    let answer = (): void => undefined
    const check = (): Promise<void> => {
      asked += 1
      return new Promise((resolve) => (answer = resolve))
    }
    let arrived = 0
    served = await serve((app) => {
      app.use((_request, _response, next) => {
        arrived += 1
        next()
      })
      app.use(healthRoutes({ check }, { log: silentLogger }))
    })
    const answers = Promise.all(Array.from({ length: 20 }, readyz))
    await eventually(() => arrived === 20)
    answer()
    expect((await answers).map(([status]) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(asked).toBe(1)
  })
})
