import { parseArgs } from 'node:util'
import { openDatabase } from '@c2d/postgres'
import { runBareBurst, runBareJobs } from './kubernetes/bare-jobs.ts'
import { createClusterWorld } from './kubernetes/cluster-world.ts'
import { runBurst, runJob, type JobTimes } from './kubernetes/run-job.ts'
import { printReport, type Measured } from './lib/report.ts'
import { startEngineProcess } from './operator/engine-process.ts'

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '20' }, burst: { type: 'string', default: '50' } },
})
const pairs = Number(values.pairs)
const burst = Number(values.burst)
const kubeconfig = process.env['C2D_TEST_KUBECONFIG']
if (!kubeconfig) throw new Error('C2D_TEST_KUBECONFIG names no cluster to measure on')

const world = await createClusterWorld({
  kubeconfig,
  registry: process.env['C2D_TEST_REGISTRY'] ?? 'localhost:5000',
  nodeAddress: process.env['C2D_TEST_NODE_ADDRESS'] ?? '10.123.0.1',
  maxJobs: Math.max(4, burst),
})
const db = openDatabase({ url: world.databaseUrl, applicationName: 'bench', maxConnections: 2 })
const engine = await startEngineProcess(world.engine)
const measured: Measured[] = []
try {
  await runJob(world, db) // images are pulled, the engine is warm
  await runBareJobs(world)
  const ours: JobTimes[] = []
  const reference: number[] = []
  for (let pair = 1; pair <= pairs; pair += 1) {
    reference.push(await runBareJobs(world))
    const times = await runJob(world, db)
    ours.push(times)
    const events = Object.entries(times.events).map(([what, seconds]) => `${what} ${seconds.toFixed(2)}`)
    process.stdout.write(
      `pair ${pair}: ${times.whole.toFixed(2)} s against ${reference.at(-1)?.toFixed(2)} s (${events.join(', ')})\n`,
    )
  }
  if (pairs > 0) {
    measured.push(
      {
        what: 'whole trivial job, Kubernetes, against three bare Jobs one after the other',
        unit: 's',
        ours: ours.map(({ whole }) => whole),
        reference,
      },
      {
        what: "configure pod's report → algorithm's first instruction, seal gate included",
        unit: 's',
        ours: ours.map(({ gap }) => gap),
      },
    )
  }
  if (burst > 0) {
    process.stdout.write(`measuring: ${burst} jobs at once\n`)
    const bareSeconds = await runBareBurst(world, 3 * burst)
    const seconds = await runBurst(world, db, burst)
    measured.push({
      what: `${burst} jobs at once, against three times as many bare Jobs at once`,
      unit: 'jobs/s',
      ours: [burst / seconds],
      reference: [burst / bareSeconds],
    })
  }
} finally {
  await engine.kill()
  await db.destroy()
  await world.close()
}
printReport('kubernetes', measured, (text) => void process.stdout.write(text))
process.exit(0)
