import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rehearseJobs, type RehearsedJob } from '@c2d/local-stack/rehearsal'
import { printReport } from './lib/report.ts'

const WARM_UP = 2
const RUNS = 15

const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
const jobs: RehearsedJob[] = []
try {
  for await (const job of rehearseJobs({ dataFolder: folder, runs: WARM_UP + RUNS, path: process.env['PATH'] ?? '' })) {
    jobs.push(job)
    process.stdout.write(`job ${jobs.length} of ${WARM_UP + RUNS}: ${(job.totalMs / 1000).toFixed(2)} s\n`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

const counted = jobs.slice(WARM_UP)
printReport(
  'job',
  [
    {
      what: 'whole trivial job, process executor, POST → finished',
      unit: 's',
      ours: counted.map((job) => job.totalMs / 1000),
    },
    {
      what: "our own time per job, POST accepted → dateFinished, trivial job, minus the pods' own lifetimes",
      unit: 's',
      ours: counted.map((job) => job.ownMs / 1000),
    },
    {
      what: 'the algorithm itself, sandbox included',
      unit: 's',
      ours: counted.map((job) => job.algorithmMs / 1000),
    },
  ],
  (text) => void process.stdout.write(text),
)
process.exit(0)
