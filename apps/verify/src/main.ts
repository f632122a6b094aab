#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { addressSchema, isSameAddress, ownedProofSchema } from '@c2d/contracts'
import { verifyProof } from '@c2d/proof'
import { toError } from '@c2d/runtime'
import { checkChain } from './check-chain.ts'
import { checkFiles } from './check-files.ts'
import { checkInputs, type KnownSalt } from './check-inputs.ts'
import { escapeText, isHolding, renderReport, type ReportLine } from './report.ts'
import { isNothing, tellStatement } from './tell-statement.ts'

const HELP = `c2d-verify PROOF [options]: checks the proof of a computation. It asks no server but the chain's, if you name one.

  PROOF                   the proof, a JSON file
  --outputs FOLDER        also hold the files of this folder against the proof: what the job left
  --inputs FOLDER         the same for what reached the job: files of datasets and of the algorithm
  --salt HEX              a salt of the proof's, for --inputs, where an owner has hashes salted; may be said more than once.
                          Those in the file PROOF, as an owner gets it, need not be said
  --rpc URL               also read the orders on chain at this endpoint
  --environment ADDRESS   the environment you ordered from; another one's proof is refused
  --json                  print the report as JSON
  --help                  this text

It prints what the proof says (says), what was checked (ok, FAIL) and what could not be (--). Anybody can make a proof with a
key of their own: whose it is, only --environment tells, with the consumerAddress that computeEnvironments told you.

Exit code: 0 everything that was checked holds; 1 something does not; 2 it could not be checked to the end.
`

interface VerifyOptions {
  outputs?: string | undefined
  inputs?: string | undefined
  salt?: string[] | undefined
  rpc?: string | undefined
  environment?: string | undefined
}

/**
 * Checks what is asked for, one thing after the other.
 * @param lines the report: what was found stands there even where the rest could not be checked
 */
async function verify(proofPath: string, options: VerifyOptions, lines: ReportLine[]): Promise<void> {
  const document = await readJson(proofPath)
  const { checks, statement, anchor } = verifyProof(document)
  for (const { passed, finding } of checks) lines.push({ outcome: passed ? 'passed' : 'failed', text: finding })
  if (!statement || anchor === null) return

  lines.push(...tellStatement(statement))
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
  } else {
    const subjects = isNothing(statement.subject, job.id) ? [] : statement.subject
    lines.push(...(await checkFiles(options.outputs, subjects, proofPath)))
  }
  if (options.inputs === undefined) {
    lines.push({ outcome: 'unchecked', text: 'the files that reached it (--inputs)' })
  } else {
    const salts = [...readSalts(document), ...(options.salt ?? []).map(parseSalt)]
    lines.push(...(await checkInputs(options.inputs, statement.predicate, salts, proofPath)))
  }
  if (options.rpc === undefined) lines.push({ outcome: 'unchecked', text: 'the orders on chain (--rpc)' })
  else lines.push(...(await checkChain(statement, anchor, options.rpc)))
}

/** Those beside the envelope; they are not signed, and need not be: a wrong one fits no file. */
function readSalts(document: unknown): KnownSalt[] {
  return ownedProofSchema.safeParse(document).data?.salts ?? []
}

function parseSalt(text: string): KnownSalt {
  const salt = /^(?:0x)?([0-9a-f]{64})$/i.exec(text)?.[1]
  if (salt === undefined) throw new Error('--salt is not 32 bytes in hex')
  return { did: null, salt: salt.toLowerCase() }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    return null // no JSON is no proof, and the report says so
  }
}

/** What was typed wrong: not to be taken for a proof that does not hold. */
function findMistake(given: { rpc?: string | undefined; environment?: string | undefined }): string | null {
  if (given.environment !== undefined && !addressSchema.safeParse(given.environment).success) {
    return '--environment must be an address: 0x and 40 hex digits'
  }
  if (given.rpc !== undefined && !/^https?:\/\//.test(given.rpc)) return '--rpc must be a URL: http://…, https://…'
  return null
}

const lines: ReportLine[] = []
let isJson = false
try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      outputs: { type: 'string' },
      inputs: { type: 'string' },
      salt: { type: 'string', multiple: true },
      rpc: { type: 'string' },
      environment: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [proofPath, ...rest] = positionals
  const mistake = findMistake(values)
  isJson = values.json
  if (values.help) process.stdout.write(HELP)
  else if (proofPath === undefined || rest.length > 0) {
    process.stderr.write(`one proof is needed\n\n${HELP}`)
    process.exitCode = 2
  } else if (mistake !== null) {
    process.stderr.write(`c2d-verify: ${mistake}\n`)
    process.exitCode = 2
  } else {
    await verify(proofPath, values, lines)
    process.exitCode = isHolding(lines) ? 0 : 1
  }
} catch (thrown) {
  process.exitCode = isHolding(lines) ? 2 : 1
  if (lines.length > 0) lines.push({ outcome: 'unchecked', text: `the rest: ${toError(thrown).message}` })
  process.stderr.write(`c2d-verify: ${escapeText(toError(thrown).message)}\n`)
}
if (lines.length > 0) process.stdout.write(isJson ? `${JSON.stringify(lines, null, 2)}\n` : renderReport(lines))
