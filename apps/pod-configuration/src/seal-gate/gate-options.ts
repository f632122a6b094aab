import { parseArgs } from 'node:util'
import { parseAddress, type Address } from './parse-address.ts'

/** How a target is asked: by opening a TCP connection, or by a DNS question over UDP. */
export type Protocol = 'tcp' | 'dns'

/** One address that must not answer. */
export interface Target extends Address {
  name: string
  protocol: Protocol
}

/** What the gate was told. */
export interface GateOptions {
  /** Named by the operator, beside what the gate finds by itself. */
  targets: Target[]
  /** What the configure pod reached; tried like a target. */
  control: Address
  markFile: string
  markId: string
  /** Rounds in a row that must be silent. */
  rounds: number
  /** How far apart rounds begin; a round lasts `answerMs`, so they overlap. */
  everyMs: number
  /** How long an answer may take. */
  answerMs: number
  /** From the mark on. */
  timeoutMs: number
  /** For the mark; 0 is until killed. */
  waitMs: number
  egress: 'none' | 'public'
  allowNode: boolean
  receiptFile: string
}

export const HELP = `seal-gate: ends well only when nothing on the network answers any more.

  --control IP:PORT      what the configure pod reaches, and this pod must not (the engine's canary)
  --mark FILE            what the configure pod writes when staging is complete
  --mark-id TEXT         what that mark must say, so that no other job's counts
  --try NAME=tcp://IP:PORT, --try NAME=dns://IP:PORT
                         one more address, any number of times
  --egress none|public   public: addresses of public networks may answer (default none)
  --allow-node           the node's own addresses may answer
  --rounds N             silent rounds in a row that make a seal (default 3)
  --every-ms N           a round begins every so many milliseconds (default 50)
  --answer-ms N          how long an answer may take (default 200)
  --timeout SECONDS      how long to go on after the mark (default 30)
  --wait SECONDS         how long to wait for the mark (default 0: until killed)
  --receipt FILE         where the receipt goes (default /dev/termination-log)

By itself it tries the API server (KUBERNETES_SERVICE_HOST), the servers of /etc/resolv.conf, and the kubelet of HOST_IP.

Exit code: 0 sealed; 20 not sealed; 21 the mark never came; 2 wrong use. The receipt is JSON either way.
`

/** Reads the command line. @throws Error that says what is wrong with it */
export function parseGateOptions(argv: readonly string[]): GateOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      try: { type: 'string', multiple: true, default: [] },
      control: { type: 'string' },
      mark: { type: 'string' },
      'mark-id': { type: 'string' },
      egress: { type: 'string', default: 'none' },
      'allow-node': { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      'every-ms': { type: 'string', default: '50' },
      'answer-ms': { type: 'string', default: '200' },
      timeout: { type: 'string', default: '30' },
      wait: { type: 'string', default: '0' },
      receipt: { type: 'string', default: '/dev/termination-log' },
    },
  })
  const { control, mark, egress } = values
  const markId = values['mark-id']
  if (!control || !mark || !markId) throw new Error('--control, --mark and --mark-id are needed')
  if (egress !== 'none' && egress !== 'public') throw new Error('--egress is none or public')
  return {
    targets: values.try.map(parseTarget),
    control: parseAddress(control),
    markFile: mark,
    markId,
    rounds: parseCount('--rounds', values.rounds, 1),
    everyMs: parseCount('--every-ms', values['every-ms'], 1),
    answerMs: parseCount('--answer-ms', values['answer-ms'], 1),
    timeoutMs: parseCount('--timeout', values.timeout, 1) * 1000,
    waitMs: parseCount('--wait', values.wait, 0) * 1000,
    egress,
    allowNode: values['allow-node'],
    receiptFile: values.receipt,
  }
}

function parseTarget(text: string): Target {
  const match = /^([^=]{1,100})=(tcp|dns):\/\/(.+)$/.exec(text)
  if (!match) throw new Error(`--try is NAME=tcp://IP:PORT or NAME=dns://IP:PORT, not ${text}`)
  const [, name = '', protocol, address = ''] = match
  return { name, protocol: protocol === 'dns' ? 'dns' : 'tcp', ...parseAddress(address) }
}

function parseCount(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) throw new Error(`${flag} is a whole number from ${least}`)
  return value
}
