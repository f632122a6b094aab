import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileSalt, ProofEnvelope, ProofOrder, ProofPredicate } from '@c2d/contracts'
import { buildStatement, createLocalSigner, endorseKey, sealStatement } from '@c2d/proof'
import { Secret } from '@c2d/runtime'
import { buildProofPredicate } from '@c2d/testing'

// The file that npm links: there in a fresh clone, before anything is built.
const PROGRAM = new URL('../../../bin/c2d-verify.mjs', import.meta.url).pathname
const PROOF_KEY = createLocalSigner(new Secret(`0x${'02'.repeat(32)}`))
const CONSUMER = `0x${'c0'.repeat(20)}`
/** Whose proofs they are. */
export const ENVIRONMENT = createLocalSigner(new Secret(`0x${'01'.repeat(32)}`))
/** When the key that seals them is good, in seconds. */
export const TERM = { validFrom: 1_700_000_000, validUntil: 1_800_000_000 }
export const SHA = 'a'.repeat(64)
/** What the job left. */
export const CONTENTS = { 'outputs/result.csv': 'mean\n42\n', 'logs/algorithm.log': 'done\n' }

/** A folder of one test's own, with proofs and what they speak of; the job's outputs lie in its `files`. */
export interface ProofFolder {
  path: string
  /** Puts these files, and no others, into its `inputs`. */
  putInputs: (files: Record<string, string>) => Promise<void>
  /** Writes a proof of a job with the folder's order, and gives its path. */
  writeProof: (changes?: Partial<ProofPredicate>, more?: ProofOptions) => Promise<string>
  close: () => Promise<void>
}

export interface ProofOptions {
  /** Written beside the proof, as the owner of a dataset gets them. */
  salts?: FileSalt[]
  /** The job's outputs by name; those in the folder otherwise. */
  contents?: Record<string, string>
  environmentId?: string
}

/** SHA-256 of a text, in hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Makes a folder; `order` is what its proofs say was paid for. */
export async function createProofFolder(order: ProofOrder): Promise<ProofFolder> {
  const path = await mkdtemp(join(tmpdir(), 'c2d-verify-'))
  for (const [name, content] of Object.entries(CONTENTS)) {
    await mkdir(join(path, 'files', name, '..'), { recursive: true })
    await writeFile(join(path, 'files', name), content)
  }
  let proofs = 0
  return {
    path,
    async putInputs(files) {
      await rm(join(path, 'inputs'), { recursive: true, force: true })
      await mkdir(join(path, 'inputs'))
      for (const [name, content] of Object.entries(files)) await writeFile(join(path, 'inputs', name), content)
    },
    async writeProof(changes = {}, { salts, contents = CONTENTS, environmentId = 'paid' } = {}) {
      const predicate = buildProofPredicate({
        job: { id: 'b'.repeat(32), agreementId: order.txId, chainId: 8996, consumer: CONSUMER },
        environment: { id: environmentId, address: ENVIRONMENT.address },
        orders: [order],
        datasets: [{ did: order.did, serviceId: 's', files: [{ index: 0, sha256: SHA }] }],
        ...changes,
      })
      const subjects = Object.entries(contents).map(([name, text]) => ({ name, digest: { sha256: sha256(text) } }))
      const endorsement = await endorseKey(ENVIRONMENT, environmentId, PROOF_KEY.address, TERM)
      const envelope: ProofEnvelope = await sealStatement(buildStatement(predicate, subjects), PROOF_KEY, endorsement)
      proofs += 1
      const file = join(path, `proof-${proofs}.json`)
      await writeFile(file, JSON.stringify(salts ? { ...envelope, salts } : envelope))
      return file
    },
    close: () => rm(path, { recursive: true }),
  }
}

/** Runs the program as a user does; gives how it ended and all it wrote. */
export const verify = (...args: string[]): Promise<{ exitCode: number; text: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code) : 0, text: stdout + stderr })
    })
  })
