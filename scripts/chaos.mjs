// npm run chaos: jobs, and everything that can happen to them, in runs that a seed repeats. `-- --help` tells the options.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { assertNodeVersion, prepare, ROOT } from './prepare.mjs'

const HELP = `npm run chaos                            20 runs, seeds 1 to 20
npm run chaos -- --runs N --seed S       N runs, seeds S to S+N-1; one run repeats a seed
  --plan full            8 jobs, 12 faults                                         (full)
         short           4 jobs, 6 faults
         outage          4 jobs, 3 faults, the database away for up to a minute
         publish         8 jobs, 24 faults; results become assets, proofs go on a chain that is tormented too
  --executor process     where steps run                                           (process)
             kubernetes  on the cluster that C2D_TEST_KUBECONFIG names: full and short are 5 and 3 jobs there. The cluster's
                         own programs are killed only where docs/reliability.md's variables say how
  --help                 this text

Each run has a database, one to three engines and a schedule that follows from its seed: engines are killed, ended and
frozen, PostgreSQL restarts and crashes, loses sessions and runs out of them, the network between them is slow, silent,
cut or half open, clocks are wrong, step runners and pods are killed, reports come late, twice and forged, owners stop
their jobs. Then peace, and the count: every job ended exactly once and as it should, no algorithm ran twice, nothing is
left. Each violation is printed with the seed that repeats it. The last line is the summary as JSON; exit code 1 on any
violation, 2 on a wrong option.
`

const PLANS = ['full', 'short', 'outage', 'publish']

const refuse = (message) => {
  process.stderr.write(`${message}\n\n${HELP}`)
  process.exit(2)
}
const options = readOptions()
assertNodeVersion()
await prepare()

const { runSeeds } = await import(await bundle())
const seeds = Array.from({ length: options.runs }, (_, index) => options.seed + index)
const startedAt = performance.now()
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'])
  process.on(name, () => {
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort()
    process.stderr.write('ending after this run; once more to leave at once\n')
  })
const summary = await runSeeds(
  { seeds, plan: options.plan, apps: join(ROOT, 'apps') },
  { onReport: print, signal: interrupted.signal },
)
process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n${JSON.stringify(summary)}\n`)
process.exit(summary.violations > 0 ? 1 : interrupted.signal.aborted ? 130 : 0)

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: 'string', default: '20' },
        seed: { type: 'string', default: '1' },
        plan: { type: 'string', default: 'full' },
        executor: { type: 'string', default: 'process' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      process.exit(0)
    }
    const [runs, seed] = [Number(values.runs), Number(values.seed)]
    if (!Number.isInteger(runs) || runs < 1) refuse('--runs must be a whole number above zero')
    if (!Number.isInteger(seed) || seed < 0) refuse('--seed must be a whole number, not negative')
    if (!PLANS.includes(values.plan)) refuse(`--plan must be one of ${PLANS.join(', ')}`)
    if (values.executor === 'process') return { runs, seed, plan: values.plan }
    if (values.executor !== 'kubernetes') refuse(`there is no executor ${values.executor}`)
    if (!process.env.C2D_TEST_KUBECONFIG) refuse('--executor kubernetes needs C2D_TEST_KUBECONFIG')
    const plan = { full: 'cluster', short: 'clusterShort' }[values.plan]
    if (!plan) refuse(`there is no plan ${values.plan} for a cluster`)
    return { runs, seed, plan }
  } catch (error) {
    return refuse(error.message)
  }
}

/**
 * The runs are written beside the engine's tests, in TypeScript: one file of them, which finds the built packages. It is as
 * deep below the root as the tests' own files that look for others by their place.
 */
async function bundle() {
  const { build } = await import('esbuild')
  const outfile = join(ROOT, 'apps/operator-engine/dist/test/bundled/run-seeds.mjs')
  await build({
    entryPoints: [join(ROOT, 'apps/operator-engine/test/chaos/run-seeds.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  return pathToFileURL(outfile).href
}

function print({ schedule, violations, diagnostics, settledAfterMs, published }) {
  const { seed, engineSkewMs, jobs, faults } = schedule
  const kinds = new Map()
  for (const { kind } of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  const list = [...kinds].map(([kind, count]) => (count > 1 ? `${kind} ×${count}` : kind)).join(', ')
  process.stdout.write(
    `${violations.length === 0 ? '✓' : '✗'} seed ${seed}: ${engineSkewMs.length} engines, ${jobs.length} jobs; ${list}; ` +
      `settled after ${(settledAfterMs / 1000).toFixed(1)} s` +
      `${published ? `; ${published.assets} assets, ${published.transactions} transactions` : ''}\n`,
  )
  for (const { kind, message } of violations) process.stdout.write(`    seed ${seed}: ${kind}: ${message}\n`)
  if (diagnostics) process.stdout.write(`${diagnostics.replace(/^/gm, '      ')}\n`)
}
