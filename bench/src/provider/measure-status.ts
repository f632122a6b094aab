import type { Measured } from '../lib/report.ts'
import { buildRequest, generateLoad, repeatFor } from './generate-load.ts'
import type { ProviderWorld } from './provider-world.ts'

const CONNECTIONS = 32
const WARM_UP_SECONDS = 1
const JOB_ID = '0123456789abcdef0123456789abcdef'

/** Status requests through the provider, and through a bare express proxy in front of the same upstream. */
export async function measureStatus(
  world: ProviderWorld,
  options: { rounds: number; seconds: number; providerPort: number },
): Promise<Measured[]> {
  const proxy = await world.startProxy()
  const query = new URLSearchParams({ consumerAddress: world.consumer.address, jobId: JOB_ID })
  const request = buildRequest('GET', `/api/services/compute?${query.toString()}`)
  const run = async (port: number, seconds: number): Promise<number> => {
    const next = repeatFor(seconds, request)
    return (await generateLoad({ port, connections: CONNECTIONS, next })).requestsPerSecond
  }
  const proxyPort = Number(new URL(proxy.url).port)
  const ours: number[] = []
  const reference: number[] = []
  await run(options.providerPort, WARM_UP_SECONDS)
  await run(proxyPort, WARM_UP_SECONDS)
  for (let round = 0; round < options.rounds; round++) {
    ours.push(await run(options.providerPort, options.seconds))
    reference.push(await run(proxyPort, options.seconds))
  }
  await proxy.stop()
  return [{ what: 'status request, provider', unit: 'requests/s', ours, reference }]
}
