import { findFreePort } from '@c2d/dev-servers'
import { DEFAULT_PORTS, type PortOption } from '../../src/options.ts'
import type { StackPorts } from '../../src/stack/ports.ts'

/** Ports that nobody else wants: the defaults may be taken at any moment by another stack on this machine. */
export async function findStackPorts(): Promise<StackPorts> {
  const names = Object.keys(DEFAULT_PORTS) as PortOption[]
  const ports = await Promise.all(names.map(async (name) => [name, await findFreePort()] as const))
  return Object.fromEntries(ports) as StackPorts
}
