import { findFreePort, isPortFree } from '@c2d/dev-servers'
import { DEFAULT_PORTS, UsageError, type PortOption } from '../options.ts'

/** A port for every server of the stack. */
export type StackPorts = Readonly<Record<PortOption, number>>

/** Ports, and what the user should know about how they were chosen. */
export interface ChosenPorts {
  readonly ports: StackPorts
  /** One line for each default that was taken. */
  readonly notes: readonly string[]
}

/**
 * Chooses the ports: those the user named, else the defaults, else free ones.
 * @throws UsageError naming the option where a port that the user named is taken
 */
export async function choosePorts(
  named: Partial<Record<PortOption, number>>,
  probes = { isPortFree, findFreePort },
): Promise<ChosenPorts> {
  const ports: Record<PortOption, number> = { ...DEFAULT_PORTS, ...named }
  const notes: string[] = []
  for (const option of Object.keys(DEFAULT_PORTS) as PortOption[]) {
    const port = ports[option]
    const isNamed = named[option] !== undefined
    const isClaimed = Object.entries(named).some(([other, taken]) => other !== option && taken === port)
    if (!isClaimed && (await probes.isPortFree(port))) continue
    if (isNamed) {
      throw new UsageError(
        `--${option} ${port}: something listens there already. End it, name another port, or leave the option out.`,
      )
    }
    ports[option] = await probes.findFreePort()
    notes.push(
      `port ${port} is taken: ${option.replace('-port', '')} uses ${ports[option]} (--${option} names another)`,
    )
  }
  return { ports, notes }
}
