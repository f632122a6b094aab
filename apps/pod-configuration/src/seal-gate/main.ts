import { readFileSync, writeFileSync } from 'node:fs'
import { type IsolationReceipt, type SEAL_GATE_EXIT } from '@c2d/contracts'
import { chooseTargets } from './choose-targets.ts'
import { HELP, parseGateOptions, type GateOptions, type Target } from './gate-options.ts'
import { formatAddress } from './parse-address.ts'
import { runRounds, type RoundsResult } from './run-rounds.ts'
import { waitForMark } from './wait-for-mark.ts'

// Types only from our packages: this program stands in front of every algorithm and loads nothing but Node.
const EXIT = { sealed: 0, wrongUse: 2, notSealed: 20, noMark: 21 } as const satisfies typeof SEAL_GATE_EXIT

// The first process of a container ignores what it does not handle, and would outlive a stop by the whole grace period.
process.on('SIGTERM', () => process.exit(143))

/** Runs the gate (DESIGN §4.14). @returns its exit code */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(HELP)
    return EXIT.sealed
  }
  let options: GateOptions
  let targets: Target[]
  try {
    options = parseGateOptions(argv)
    targets = chooseTargets(options, {
      apiServerHost: process.env['KUBERNETES_SERVICE_HOST'],
      apiServerPort: process.env['KUBERNETES_SERVICE_PORT'],
      hostIp: process.env['HOST_IP'],
      resolvConf: readOrEmpty('/etc/resolv.conf'),
    })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return EXIT.wrongUse
  }

  const wokeAtMs = performance.now()
  const mark = await waitForMark(options.markFile, options.markId, options.waitMs)
  const markedAtMs = performance.now()
  const finish = (failure: IsolationReceipt['failure'] | null, result?: RoundsResult): void => {
    const receipt: IsolationReceipt = {
      sealed: failure === null,
      egress: options.egress,
      probes: targets.map((target, index) => ({
        name: target.protocol === 'dns' ? `${target.name}/udp` : target.name,
        address: formatAddress(target),
        answers: result?.answers[index] ?? 0,
      })),
      rounds: result?.silentRounds ?? 0,
      durationMs: Math.round(performance.now() - markedAtMs),
      tried: result?.tried ?? 0,
      waitedMs: Math.round(markedAtMs - wokeAtMs),
      ...(failure === null ? {} : { failure }),
    }
    writeFileSync(options.receiptFile, JSON.stringify(receipt))
    process.stdout.write(`${JSON.stringify(receipt)}\n`)
  }

  if (mark === null) {
    finish('NoMark')
    return EXIT.noMark
  }
  if (!mark.control.reached || mark.control.address !== formatAddress(options.control)) {
    finish('NoControl')
    return EXIT.notSealed
  }
  if (targets.length === 0) {
    finish('NothingToTry')
    return EXIT.notSealed
  }
  const result = await runRounds(targets, options)
  finish(result.sealed ? null : 'Answered', result)
  return result.sealed ? EXIT.sealed : EXIT.notSealed
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // a pod without name servers has none to try
  }
}

process.exit(await main(process.argv.slice(2)))
