import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { guardedLookup, type Lookup } from './address-guard.ts'

/** Gives the connections to hosts of a protocol; what is allowed to be not public never shares one with what is not. */
export type GuardedAgents = (protocol: string, allowed: boolean) => HttpAgent

/**
 * Kept connections whose every address passes the guard (DESIGN §4.8).
 * @param options.connections how many to one host at most
 * @param options.scheduling which idle one is taken; Node's own choice where it is absent
 * @param options.lookup asked in place of the system's resolver
 */
export function createGuardedAgents(options: {
  connections: number
  scheduling?: 'lifo' | 'fifo'
  lookup?: Lookup | undefined
}): GuardedAgents {
  const agents = new Map<string, HttpAgent>()
  return (protocol, allowed) => {
    const key = `${protocol} ${allowed}`
    const known = agents.get(key)
    if (known) return known
    const settings = {
      keepAlive: true,
      maxSockets: options.connections,
      ...(options.scheduling ? { scheduling: options.scheduling } : {}),
      lookup: guardedLookup(options.lookup, allowed),
    }
    const agent = protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings)
    agents.set(key, agent)
    return agent
  }
}
