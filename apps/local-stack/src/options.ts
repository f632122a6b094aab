import { parseArgs } from 'node:util'

/** The ports of the stack that have a fixed default, by the name of their option. */
export const DEFAULT_PORTS = {
  'provider-port': 8030,
  'operator-port': 8050,
  'chain-port': 8545,
  'metadata-port': 5000,
  'postgres-port': 15432,
} as const

/** The option that names a port. */
export type PortOption = keyof typeof DEFAULT_PORTS

/** The algorithms that can run as the demonstration. */
const ALGORITHM_NAMES = ['node', 'python'] as const
export type AlgorithmName = (typeof ALGORITHM_NAMES)[number]

/** Every option of the program, as `parseArgs` reads it; help.txt says what each does. */
export const OPTION_SPECIFICATION = {
  once: { type: 'boolean' },
  algorithm: { type: 'string' },
  data: { type: 'string' },
  keep: { type: 'boolean' },
  'provider-port': { type: 'string' },
  'operator-port': { type: 'string' },
  'chain-port': { type: 'string' },
  'metadata-port': { type: 'string' },
  'postgres-port': { type: 'string' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What the user asked for, checked. */
export interface Options {
  readonly once: boolean
  readonly algorithm: AlgorithmName
  /** Undefined means a fresh temporary folder. */
  readonly dataFolder: string | undefined
  readonly keep: boolean
  /** Only the ports that the user named. */
  readonly ports: Partial<Record<PortOption, number>>
  readonly verbose: boolean
  readonly help: boolean
}

/** What the user asked for cannot be done: the message says what is wrong and what to do. Ends with exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/**
 * Reads the command line.
 * @param args without the program's own name
 * @throws UsageError for an unknown option, a missing or wrong value
 */
export function parseOptions(args: readonly string[]): Options {
  const values = parseValues(args)
  if (values.data === '') throw new UsageError('--data needs the name of a folder')
  return {
    once: values.once ?? false,
    algorithm: parseAlgorithm(values.algorithm ?? 'node'),
    dataFolder: values.data,
    keep: values.keep ?? false,
    ports: parsePorts(values),
    verbose: values.verbose ?? false,
    help: values.help ?? false,
  }
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTION_SPECIFICATION, strict: true, allowPositionals: false }).values
  } catch (error) {
    // Known by its code: the message's first sentence says what is wrong, the rest is about arguments we do not have.
    const { code, message } = error as NodeJS.ErrnoException
    if (code?.startsWith('ERR_PARSE_ARGS')) throw new UsageError(message.split('. ')[0] ?? message)
    throw error
  }
}

function parseAlgorithm(name: string): AlgorithmName {
  const known = ALGORITHM_NAMES.find((candidate) => candidate === name)
  if (known === undefined) throw new UsageError(`--algorithm is ${ALGORITHM_NAMES.join(' or ')}, not '${name}'`)
  return known
}

function parsePorts(values: Partial<Record<PortOption, string>>): Partial<Record<PortOption, number>> {
  const ports: Partial<Record<PortOption, number>> = {}
  for (const option of Object.keys(DEFAULT_PORTS) as PortOption[]) {
    const text = values[option]
    if (text === undefined) continue
    const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
    if (!(port >= 1 && port <= 65_535)) throw new UsageError(`--${option} is a number from 1 to 65535, not '${text}'`)
    const other = (Object.keys(ports) as PortOption[]).find((earlier) => ports[earlier] === port)
    if (other !== undefined) throw new UsageError(`--${other} and --${option} name the same port, ${port}`)
    ports[option] = port
  }
  return ports
}
