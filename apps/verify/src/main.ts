#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isSameAddress } from '@c2d/contracts'
import { verifyProof } from '@c2d/proof'
import { toError } from '@c2d/runtime'
import { checkChain } from './check-chain.ts'
import { checkFiles } from './check-files.ts'
import { isHolding, renderReport, type ReportLine } from './report.ts'

const HELP = `c2d-verify PROOF [options]: checks the proof of a computation. It asks no server but the chain's, if you name one.

  PROOF                   the proof, a JSON file
  --outputs FOLDER        also hold the files of this folder against the proof
  --rpc URL               also read the orders on chain at this endpoint
  --environment ADDRESS   the environment you ordered from; another one's proof is refused
  --json                  print the report as JSON
  --help                  this text

Exit code: 0 everything that was checked holds; 1 something does not; 2 it could not be checked at all.
`

/** @returns the report */
async function verify(
  proofPath: string,
  options: { outputs?: string | undefined; rpc?: string | undefined; environment?: string | undefined },
): Promise<ReportLine[]> {
  const { checks, statement, anchor } = verifyProof(await readJson(proofPath))
  const lines = checks.map(({ passed, finding }): ReportLine => ({
    outcome: passed ? 'passed' : 'failed',
    text: finding,
  }))
  if (!statement || anchor === null) return lines

  const { environment, job } = statement.predicate
  if (options.environment === undefined) {
    lines.push({
      outcome: 'unchecked',
      text: `that ${environment.address} is the environment you ordered from (--environment)`,
    })
  } else {
    const isIt = isSameAddress(options.environment, environment.address)
    lines.push({
      outcome: isIt ? 'passed' : 'failed',
      text: isIt ? 'it is the environment you named' : `it is the proof of the environment ${environment.address}`,
    })
  }
  if (options.outputs === undefined) {
    lines.push({ outcome: 'unchecked', text: `the files of job ${job.id} (--outputs)` })
  } else lines.push(...(await checkFiles(options.outputs, statement.subject, proofPath)))
  if (options.rpc === undefined) lines.push({ outcome: 'unchecked', text: 'the orders on chain (--rpc)' })
  else lines.push(...(await checkChain(statement, anchor, options.rpc)))
  return lines
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    return null // no JSON is no proof, and the report says so
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      outputs: { type: 'string' },
      rpc: { type: 'string' },
      environment: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [proofPath, ...rest] = positionals
  if (values.help) process.stdout.write(HELP)
  else if (proofPath === undefined || rest.length > 0) {
    process.stderr.write(`one proof is needed\n\n${HELP}`)
    process.exitCode = 2
  } else {
    const lines = await verify(proofPath, values)
    process.stdout.write(values.json ? `${JSON.stringify(lines, null, 2)}\n` : renderReport(lines))
    process.exitCode = isHolding(lines) ? 0 : 1
  }
} catch (thrown) {
  process.stderr.write(`c2d-verify: ${toError(thrown).message}\n`)
  process.exitCode = 2
}
