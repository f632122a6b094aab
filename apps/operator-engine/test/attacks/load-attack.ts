import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const tryShape = z.object({ what: z.string(), got: z.string().nullable(), why: z.string().optional() })

/** What an attack says of itself at its end: what it tried, and what each try got it. */
export const attackReportSchema = z.object({ tries: z.array(tryShape) })
export type AttackReport = z.infer<typeof attackReportSchema>

/** An attack as an algorithm: its file, and the entrypoint that runs it. */
export interface Attack {
  code: string
  entrypoint: string
}

/** Reads an attack of this folder; those in Python stand behind the prelude, which reports. @param name a file name */
export async function loadAttack(name: string): Promise<Attack> {
  const read = (file: string) => readFile(join(import.meta.dirname, file), 'utf8')
  if (name.endsWith('.sh')) return { code: await read(name), entrypoint: 'bash /data/transformations/algorithm' }
  const code = `${await read('prelude.py')}\n${await read(name)}`
  return { code, entrypoint: 'python3 /data/transformations/algorithm' }
}

/** Finds the report in a log. @throws Error with the log's end when there is none: an attack that did not run proves nothing */
export function parseReport(log: string): AttackReport {
  const line = log.split('\n').findLast((text) => text.startsWith('ATTACK '))
  if (line === undefined) throw new Error(`the attack did not report: ${log.slice(-2000)}`)
  return attackReportSchema.parse(JSON.parse(line.slice('ATTACK '.length)))
}

/** What an attack got; nothing, where all is well. */
export function listGains(report: AttackReport): string[] {
  if (report.tries.length === 0) throw new Error('the attack tried nothing')
  return report.tries.flatMap(({ what, got }) => (got === null ? [] : [`${what}: ${got}`]))
}

/** A text backwards: what an attack looks for is handed over so, or it would find its own settings. */
export function reverseText(text: string): string {
  return Array.from(text).reverse().join('')
}
