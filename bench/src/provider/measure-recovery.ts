import { messageDigest, recoverSigner, signMessage } from '@c2d/chain'
import { devWallet } from '@c2d/dev-servers'
import { verifyMessage } from 'ethers'
import type { Measured } from '../lib/report.ts'

const SIGNATURES = 200

/** Who signed: our recovery against ethers' own, in this process, over the same signatures. */
export function measureRecovery(options: { rounds: number; seconds: number }): Measured[] {
  const { privateKey, address } = devWallet(1)
  const samples = Array.from({ length: SIGNATURES }, (_, index) => {
    const message = `${address}${index}`
    return { message, signature: signMessage(message, privateKey) }
  })
  type Recover = (message: string, signature: string) => string | null
  const byEthers: Recover = (message, signature) => verifyMessage(messageDigest(message), signature)

  const rateOf = (recover: Recover): number => {
    const startedAt = performance.now()
    let done = 0
    while (performance.now() - startedAt < options.seconds * 1000) {
      const { message, signature } = samples[done++ % SIGNATURES]!
      if (recover(message, signature) !== address) throw new Error(`not the signer of ${message}`)
    }
    return done / ((performance.now() - startedAt) / 1000)
  }

  const ours: number[] = []
  const reference: number[] = []
  rateOf(recoverSigner)
  rateOf(byEthers)
  for (let round = 0; round < options.rounds; round++) {
    ours.push(rateOf(recoverSigner))
    reference.push(rateOf(byEthers))
  }
  return [{ what: 'signature recovery, against ethers', unit: 'operations/s', ours, reference }]
}
