const NAME_WIDTH = 28
const MS_WIDTH = 6
const DETAIL_COLUMN = 4 + NAME_WIDTH + 1 + MS_WIDTH + 5
const NARROWEST_DETAIL = 24
const REDRAW_MS = 100

/** The terminal, as far as the story needs it. */
export interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** What a step did: its value for the next one, and a few words for the reader. */
interface StepOutcome<T> {
  readonly value: T
  /** Lines are set below each other. */
  readonly detail?: string
}

/** The story of a run, told on a terminal. */
export interface Story {
  heading(text: string): void
  /**
   * Does a step and tells it: its name, milliseconds and detail in one line; on a terminal a line that moves while it
   * runs. `say` replaces the moving line's note; where there is no terminal, each new note is a line. Steps may overlap.
   */
  step<T>(name: string, work: (say: (note: string) => void) => Promise<StepOutcome<T>>): Promise<T>
  /** A line of its own. */
  line(text: string): void
  /** A line that must not be overlooked. */
  warning(text: string): void
  /** A titled text, indented. */
  block(title: string, text: string): void
}

/** A story that nobody is told. */
export const SILENT_STORY: Story = {
  heading: () => undefined,
  step: async (_name, work) => (await work(() => undefined)).value,
  line: () => undefined,
  warning: () => undefined,
  block: () => undefined,
}

interface ActiveStep {
  readonly name: string
  readonly startedAtMs: number
  note: string
}

/**
 * Tells a story on a screen.
 * @param options.colour whether escape codes for colours may be written
 */
export function createStory(options: { readonly colour: boolean }, screen: Screen): Story {
  const isTerminal = screen.isTTY === true
  const paint = (code: number, text: string): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const active = new Set<ActiveStep>()
  let redrawing: NodeJS.Timeout | undefined

  const erase = (): string => (isTerminal && active.size > 0 ? '\r\u001b[2K' : '')
  const draw = (): void => {
    if (!isTerminal || active.size === 0) return
    const [first] = active
    const names = [...active].map(({ name }) => name).join(', ')
    const note = [...active].map((step) => step.note).filter(Boolean)
    const seconds = ((performance.now() - (first?.startedAtMs ?? 0)) / 1000).toFixed(1)
    const text = `  … ${[`${names}  ${seconds} s`, ...note].join('  ')}`
    screen.write(`\r\u001b[2K${paint(2, text.slice(0, (screen.columns || 80) - 1))}`)
  }
  const write = (text: string): void => {
    screen.write(`${erase()}${text}\n`)
    draw()
  }
  const start = (step: ActiveStep): void => {
    active.add(step)
    draw()
    if (isTerminal) redrawing ??= setInterval(draw, REDRAW_MS).unref()
  }
  const end = (step: ActiveStep, mark: string, detail: string): void => {
    const erasure = erase()
    active.delete(step)
    if (active.size === 0) {
      clearInterval(redrawing)
      redrawing = undefined
    }
    const ms = String(Math.round(performance.now() - step.startedAtMs)).padStart(MS_WIDTH)
    const lines = wrap(detail, isTerminal ? (screen.columns || 80) - DETAIL_COLUMN : Infinity)
    const text = `${step.name.padEnd(NAME_WIDTH)} ${paint(2, `${ms} ms`)}  ${lines.join(`\n${' '.repeat(DETAIL_COLUMN)}`)}`
    screen.write(`${erasure}  ${mark} ${text.trimEnd()}\n`)
    draw()
  }

  return {
    heading: (text) => write(`\n${paint(1, text)}`),
    step: async (name, work) => {
      const step: ActiveStep = { name, startedAtMs: performance.now(), note: '' }
      const say = (note: string): void => {
        if (note === step.note) return
        step.note = note
        if (isTerminal) draw()
        else write(`  … ${name}  ${((performance.now() - step.startedAtMs) / 1000).toFixed(1)} s  ${note}`)
      }
      start(step)
      try {
        const { value, detail = '' } = await work(say)
        end(step, paint(32, '✓'), detail)
        return value
      } catch (error) {
        end(step, paint(31, '✗'), '')
        throw error
      }
    },
    line: (text) => write(text === '' ? '' : `  ${text}`),
    warning: (text) => write(`  ${paint(33, '!')} ${text}`),
    block: (title, text) => {
      const lines = text.trimEnd().split('\n')
      write([`\n  ${paint(1, title)}`, ...lines.map((line) => `    ${line}`.trimEnd())].join('\n'))
    },
  }
}

/** Breaks a text at blanks so that its lines fit; a word that is longer than a line stays whole. */
function wrap(text: string, width: number): string[] {
  const fitting = Math.max(width, NARROWEST_DETAIL)
  return text.split('\n').flatMap((line) =>
    line.split(' ').reduce<string[]>((lines, word) => {
      const last = lines.at(-1)
      if (last !== undefined && last.length + 1 + word.length <= fitting) {
        lines[lines.length - 1] = `${last} ${word}`
      } else lines.push(word)
      return lines
    }, []),
  )
}
