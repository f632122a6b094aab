import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { DEFAULT_PORTS, OPTION_SPECIFICATION, parseOptions, UsageError } from './options.ts'

const help = readFileSync(new URL('../help.txt', import.meta.url), 'utf8')

describe('the options of npm start', () => {
  it('default: runs the Node algorithm, in a temporary folder, on default ports, and stays up', () => {
    expect(parseOptions([])).toEqual({
      once: false,
      algorithm: 'node',
      dataFolder: undefined,
      keep: false,
      ports: {},
      verbose: false,
      help: false,
    })
  })

  it('behaviour: takes what the user names', () => {
    const options = parseOptions([
      '--once',
      '--algorithm',
      'python',
      '--data',
      'here',
      '--keep',
      '--chain-port',
      '9000',
    ])
    expect(options).toMatchObject({ once: true, algorithm: 'python', dataFolder: 'here', keep: true })
    expect(options.ports).toEqual({ 'chain-port': 9000 })
  })

  it.each([
    [['--oncee'], '--oncee'],
    [['job'], 'job'],
    [['--algorithm', 'ruby'], "--algorithm is node or python, not 'ruby'"],
    [['--data='], '--data needs the name of a folder'],
    [['--data'], '--data'],
    [['--chain-port', '70000'], "--chain-port is a number from 1 to 65535, not '70000'"],
    [['--chain-port', '0'], '--chain-port'],
    [['--chain-port', '8e3'], '--chain-port'],
    [['--chain-port', '9000', '--provider-port', '9000'], 'name the same port, 9000'],
  ])('error: %j is refused, naming what is wrong', (args, text) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
    expect(() => parseOptions(args)).toThrow(text)
  })

  it('every option stands in the help text, and the help text names no other', () => {
    const named = new Set([...help.matchAll(/--([a-z][a-z-]*)/g)].map(([, name]) => name))
    expect([...named].sort()).toEqual(Object.keys(OPTION_SPECIFICATION).sort())
  })

  it('the help text states each default port', () => {
    for (const [option, port] of Object.entries(DEFAULT_PORTS)) {
      expect(help).toMatch(new RegExp(`--${option} PORT +\\(default: ${port}\\)`))
    }
  })
})
