import { createLogger, createShutdown, runMain } from '@c2d/runtime'
import { readComposeConfig } from './config.ts'
import { runChain, runDemo, runFileOrigin, runMetadataCache } from './parts.ts'

const GRACE_MS = 20_000
const SERVERS = { chain: runChain, 'metadata-cache': runMetadataCache, files: runFileOrigin }

await runMain(async () => {
  const config = readComposeConfig(process.env)
  const name = process.argv[2] ?? ''
  if (name === 'demo') {
    process.exit((await runDemo(config, process.stdout)) ? 0 : 1) // does not wait for idle sockets to time out
  }
  const run = Object.entries(SERVERS).find(([known]) => known === name)?.[1]
  if (!run) throw new Error(`name a part: demo, ${Object.keys(SERVERS).join(', ')}`)
  const log = createLogger({ component: name, level: 'info' })
  const shutdown = createShutdown({ graceMs: GRACE_MS, signals: ['SIGTERM', 'SIGINT'] }, { log })
  await run(config, shutdown)
  log.info({}, 'ready')
})
