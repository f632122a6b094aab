import { parseArgs } from 'node:util'
import { printReport, type Measured } from './lib/report.ts'
import { createBenchWorld } from './operator/bench-world.ts'
import { measureClaims } from './operator/measure-claims.ts'
import { measureIdle } from './operator/measure-idle.ts'
import { measureInserts } from './operator/measure-inserts.ts'
import { measureOvershoot } from './operator/measure-overshoot.ts'
import { measureOwnTime } from './operator/measure-own-time.ts'

const { values } = parseArgs({
  options: { running: { type: 'string', default: '200' }, only: { type: 'string' } },
})
const running = Number(values.running)
const world = await createBenchWorld()
const measured: Measured[] = []
const parts = {
  claims: () => measureClaims(world),
  inserts: () => measureInserts(world),
  'own-time': () => measureOwnTime(world),
  limits: () => measureOvershoot(world),
  idle: () => measureIdle(world, running),
}
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only !== undefined && values.only !== name) continue
    process.stdout.write(`measuring: ${name}\n`)
    measured.push(...(await measure()))
  }
} finally {
  await world.close()
}
printReport('operator', measured, (text) => void process.stdout.write(text))
process.exit(0)
