import { readFile } from 'node:fs/promises'
import { ALGORITHMS, type DemonstrationAlgorithm } from './algorithms.ts'
import { loadSurroundings } from './config.ts'
import { locateDataset } from './dataset.ts'
import { hasPython } from './interpreters.ts'
import { parseOptions, UsageError, type Options } from './options.ts'
import { openDataFolder, type DataFolder } from './stack/data-folder.ts'
import { openLogFile } from './stack/log-file.ts'
import { choosePorts } from './stack/ports.ts'
import { ServerError } from './stack/service.ts'
import { startStack, type Stack } from './stack/start-stack.ts'
import { runDemonstration } from './story/demonstration.ts'
import { createStory, type Story } from './story/print.ts'

const EXIT = { right: 0, failed: 1, usage: 2, interrupted: 130 } as const
// One Ctrl-C can arrive more than once: from the terminal, from npm, from the script that started us.
const SAME_SIGNAL_MS = 1_000
const LONGEST_MESSAGE = 600

/** Somebody asked the program to end. */
class Interrupted extends Error {}

process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  const surroundings = loadSurroundings(process.env)
  const story = createStory({ colour: process.stdout.isTTY && !surroundings.noColour }, process.stdout)
  const interrupted = listenForSignals()
  let options: Options | undefined
  let folder: DataFolder | undefined
  try {
    options = parseOptions(args)
    if (options.help) {
      process.stdout.write(await readHelp())
      return EXIT.right
    }
    const { ports, notes } = await choosePorts(options.ports)
    const algorithms = await chooseAlgorithms(options, surroundings.path, notes)
    folder = await openDataFolder(options.dataFolder)
    return await run({ options, folder, ports, algorithms, path: surroundings.path }, { story, interrupted })
  } catch (error) {
    if (error instanceof Interrupted) return EXIT.interrupted
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${options ? '' : await readHelp()}`)
      return EXIT.usage
    }
    process.stderr.write(`\n${explain(error, options?.verbose ?? false)}\n`)
    return EXIT.failed
  } finally {
    if (folder) await leave(folder, options?.keep ?? false, story)
  }

  /** Which algorithms are published, the one that runs first. */
  async function chooseAlgorithms(
    { algorithm }: Options,
    path: string,
    notes: readonly string[],
  ): Promise<readonly [DemonstrationAlgorithm, ...DemonstrationAlgorithm[]]> {
    const isPythonHere = await hasPython(path)
    if (algorithm === 'python' && !isPythonHere) {
      throw new UsageError(
        '--algorithm python: there is no python3 on this machine. Install it, or leave the option out.',
      )
    }
    story.heading('Compute-to-Data, the whole of it on this machine')
    for (const note of notes) story.warning(note)
    if (!isPythonHere) story.warning('there is no python3 here: the Python algorithm is left out')
    const others = Object.values(ALGORITHMS).filter(({ name }) => name !== algorithm)
    return [ALGORITHMS[algorithm], ...others.filter(({ name }) => name !== 'python' || isPythonHere)]
  }
}

interface Run {
  readonly options: Options
  readonly folder: DataFolder
  readonly ports: Awaited<ReturnType<typeof choosePorts>>['ports']
  readonly algorithms: readonly [DemonstrationAlgorithm, ...DemonstrationAlgorithm[]]
  readonly path: string
}

/** Brings the stack up, shows the job, stays as long as wanted, and ends everything. Gives the exit code. */
async function run(
  { options, folder, ports, algorithms, path }: Run,
  { story, interrupted }: { story: Story; interrupted: Promise<never> },
): Promise<number> {
  const dataset = locateDataset()
  const readLog = (name: string, line: string): void => {
    if (options.verbose) story.line(`${name} | ${line}`)
  }
  story.heading('start')
  const handle = startStack(
    {
      dataFolder: folder.path,
      ports,
      path,
      files: Object.fromEntries([dataset, ...algorithms].map((file) => [file.fileName, file.path])),
    },
    { story, readLog },
  )
  let clientLog: Awaited<ReturnType<typeof openLogFile>> | undefined
  try {
    const stack = await Promise.race([handle.started, interrupted])
    const whileUp = <T>(work: Promise<T>): Promise<T> => Promise.race([work, stack.broken, interrupted])
    if (!stack.isSandboxed) {
      story.warning('no sandbox works here: algorithms run as this user. Run none but the two of this demonstration.')
    }
    const log = await openLogFile(stack.logFolder, 'ocean-js', readLog)
    clientLog = log
    const demonstration = { dataset, algorithms, dataFolder: folder.path, path, writeClientLog: log.write }
    const isRight = await whileUp(runDemonstration(demonstration, { stack, story }))
    const exitCode = isRight ? EXIT.right : EXIT.failed
    if (options.once) return exitCode

    tellWhereEverythingIs(stack, folder, story)
    await Promise.race([stack.broken, interrupted]).catch((error: unknown) => {
      if (!(error instanceof Interrupted)) throw error
      story.line('') // the terminal has put ^C on the line
    })
    return exitCode
  } finally {
    await handle.stop()
    await clientLog?.close()
  }
}

function tellWhereEverythingIs(stack: Stack, folder: DataFolder, story: Story): void {
  const { urls } = stack
  story.heading('everything is up')
  const places = {
    provider: urls.provider,
    'operator-service': urls.operatorService,
    'metadata cache': urls.metadataCache,
    chain: `${urls.chain} (id ${stack.addresses.chainId}, mnemonic in packages/dev-servers)`,
    ADDRESS_FILE: stack.addressFile,
    logs: stack.logFolder,
    data: folder.path,
  }
  for (const [name, place] of Object.entries(places)) story.line(`${name.padEnd(18)} ${place}`)
  story.line('')
  story.line('Ctrl-C stops everything.')
}

/** Removes the data folder, or says where it stays. */
async function leave(folder: DataFolder, isKept: boolean, story: Story): Promise<void> {
  if (isKept) {
    story.line(`kept: ${folder.path}`)
    return
  }
  await folder.remove()
  story.line(`${folder.isTemporary ? 'removed' : 'emptied'}: ${folder.path} (--keep leaves it as it is)`)
}

/** Rejects when the program is asked to end; asked again, it ends at once, and its children with it. */
function listenForSignals(): Promise<never> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    let firstAtMs: number | undefined
    // Whoever reads us has gone (a closed terminal, `| head`): nobody can press Ctrl-C any more.
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', () => {
        reject(new Interrupted())
      })
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (firstAtMs !== undefined && performance.now() - firstAtMs > SAME_SIGNAL_MS) process.exit(EXIT.interrupted)
        firstAtMs ??= performance.now()
        reject(new Interrupted())
      })
    }
  })
  interrupted.catch(() => undefined) // nobody may be waiting at the moment
  return interrupted
}

function explain(error: unknown, isVerbose: boolean): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ServerError) return error.message
  if (isVerbose) return error.stack ?? error.message
  // Errors of ethers carry the whole transaction in their message; what the chain said is their `reason`.
  const { reason } = error as { reason?: unknown }
  if (typeof reason === 'string') return `${reason} (--verbose shows more)`
  return error.message.length > LONGEST_MESSAGE ? `${error.message.slice(0, LONGEST_MESSAGE)}…` : error.message
}

function readHelp(): Promise<string> {
  return readFile(new URL('../help.txt', import.meta.url), 'utf8')
}
