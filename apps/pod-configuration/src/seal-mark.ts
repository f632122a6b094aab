import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SEAL_MARK, type SealMark } from '@c2d/contracts'
import { parseAddress } from './seal-gate/parse-address.ts'
import { probe } from './seal-gate/probe.ts'

/** How long an engine that was killed may take to be back. */
const PATIENCE_MS = 60_000
const ANSWER_MS = 1000
const PAUSE_MS = 200

/**
 * The positive control of the seal gate (DESIGN §4.14): whether this pod, which is open, reaches the address whose silence will then
 * count as a seal. One that does not answer is tried again, since an engine may be away for a moment and no job is to blame for
 * it; false says that the network or the canary is broken.
 * @param address `ip:port` @throws Error when it is none
 */
export async function tryControl(address: string, patienceMs = PATIENCE_MS): Promise<SealMark['control']> {
  const target = { name: 'control', protocol: 'tcp' as const, ...parseAddress(address) }
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    if ((await probe(target, ANSWER_MS)) === 'answered') return { address, reached: true }
    if (performance.now() > giveUpAtMs) return { address, reached: false }
    await sleep(PAUSE_MS)
  }
}

/** Says that staging is complete, whole or not at all, where only our own containers look. @param volume the job's volume */
export async function writeSealMark(volume: string, mark: SealMark): Promise<void> {
  const folder = join(volume, SEAL_MARK.folder)
  await mkdir(folder, { recursive: true })
  const path = join(folder, SEAL_MARK.file)
  await writeFile(`${path}.part`, JSON.stringify(mark))
  await rename(`${path}.part`, path)
}
