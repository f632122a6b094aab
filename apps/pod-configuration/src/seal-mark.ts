import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SEAL_MARK, type SealMark } from '@c2d/contracts'
import { parseAddress } from './seal-gate/parse-address.ts'
import { probe } from './seal-gate/probe.ts'

const TRIES = 5
const ANSWER_MS = 1000
const PAUSE_MS = 200

/**
 * The positive control of the seal gate (DESIGN §4.14): whether this pod, which is open, reaches the address whose silence will then
 * count as a seal. One that does not answer at once is tried again; false says that the network or the canary is broken.
 * @param address `ip:port` @throws Error when it is none
 */
export async function tryControl(address: string): Promise<SealMark['control']> {
  const target = { name: 'control', protocol: 'tcp' as const, ...parseAddress(address) }
  for (let left = TRIES; left > 0; left--) {
    if ((await probe(target, ANSWER_MS)) === 'answered') return { address, reached: true }
    await sleep(PAUSE_MS)
  }
  return { address, reached: false }
}

/** Says that staging is complete, whole or not at all, where only our own containers look. @param volume the job's volume */
export async function writeSealMark(volume: string, mark: SealMark): Promise<void> {
  const folder = join(volume, SEAL_MARK.folder)
  await mkdir(folder, { recursive: true })
  const path = join(folder, SEAL_MARK.file)
  await writeFile(`${path}.part`, JSON.stringify(mark))
  await rename(`${path}.part`, path)
}
