import { describe, expect, it } from '@jest/globals'
import { createStory, type Screen } from './print.ts'

function buildScreen(isTTY: boolean): Screen & { text(): string } {
  const written: string[] = []
  return { isTTY, columns: 60, write: (text) => written.push(text), text: () => written.join('') }
}

describe('the story on the screen', () => {
  it('behaviour: tells a step in one line, with its milliseconds and its detail, lines aligned', async () => {
    const screen = buildScreen(false)
    const story = createStory({ colour: false }, screen)
    await story.step('chain', () => Promise.resolve({ value: 1, detail: 'chain id 8996' }))
    await story.step('deploy the contracts', () => Promise.resolve({ value: 1, detail: 'one\ntwo' }))
    const lines = screen.text().split('\n')
    expect(lines[0]).toMatch(/^ {2}✓ chain {24} +\d+ ms {2}chain id 8996$/)
    expect(lines[1]).toMatch(/^ {2}✓ deploy the contracts {9} +\d+ ms {2}one$/)
    expect(lines[2]?.indexOf('two')).toBe(lines[1]?.indexOf('one'))
  })

  it('behaviour: gives the value of the step to who asked for it', async () => {
    const story = createStory({ colour: false }, buildScreen(false))
    expect(await story.step('x', () => Promise.resolve({ value: 42 }))).toBe(42)
  })

  it('behaviour: without a terminal each new note is one line, and nothing is redrawn or coloured', async () => {
    const screen = buildScreen(false)
    await createStory({ colour: false }, screen).step('job', (say) => {
      for (const note of ['queued', 'queued', 'running']) say(note)
      return Promise.resolve({ value: undefined })
    })
    expect(screen.text()).toMatch(/^ {2}… job .*queued\n {2}… job .*running\n {2}✓ job +\d+ ms\n$/)
    expect(screen.text()).not.toMatch(/[\r\u001b]/)
  })

  it('behaviour: on a terminal a long detail goes on below itself', async () => {
    const screen = buildScreen(true)
    const detail = 'these words do not fit beside the name of the step'
    await createStory({ colour: false }, screen).step('x', () => Promise.resolve({ value: 1, detail }))
    const lines = (screen.text().split('\r\u001b[2K').at(-1) ?? '').trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.map((line) => line.slice(44)).join(' ')).toBe(detail)
  })

  it('behaviour: on a terminal the moving line is erased before the final one, and never wraps', async () => {
    const screen = buildScreen(true)
    await createStory({ colour: false }, screen).step('job', (say) => {
      say('a note that is far too long for the sixty columns of this narrow terminal')
      return Promise.resolve({ value: undefined })
    })
    const drawn = screen.text().split('\r\u001b[2K')
    expect(Math.max(...drawn.slice(0, -1).map((text) => text.length))).toBeLessThan(60)
    expect(drawn.at(-1)).toMatch(/^ {2}✓ job/)
  })

  it('error: a step that fails is marked, and its error passed on', async () => {
    const screen = buildScreen(false)
    const failing = createStory({ colour: false }, screen).step('order', () => Promise.reject(new Error('refused')))
    await expect(failing).rejects.toThrow('refused')
    expect(screen.text()).toMatch(/^ {2}✗ order/)
  })

  it('behaviour: colours only where they are allowed', () => {
    const [plain, coloured] = [buildScreen(true), buildScreen(true)]
    createStory({ colour: false }, plain).heading('start')
    createStory({ colour: true }, coloured).heading('start')
    expect(plain.text()).toBe('\nstart\n')
    expect(coloured.text()).toBe('\n\u001b[1mstart\u001b[0m\n')
  })
})
