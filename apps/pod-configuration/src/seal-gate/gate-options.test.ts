import { describe, expect, it } from '@jest/globals'
import { parseGateOptions } from './gate-options.ts'

const NEEDED = ['--control', '10.0.0.5:7000', '--mark', '/seal/staged.json', '--mark-id', 'a1']

describe('parseGateOptions', () => {
  it('reads what the gate is told, in milliseconds', () => {
    const options = parseGateOptions([
      ...NEEDED,
      ...['--try', 'database=tcp://[fd00::5]:5432', '--try', 'names=dns://10.0.0.2:53'],
      ...['--egress', 'public', '--allow-node', '--timeout', '5', '--wait', '60'],
    ])
    expect(options).toMatchObject({
      control: { host: '10.0.0.5', port: 7000 },
      egress: 'public',
      allowNode: true,
      timeoutMs: 5000,
      waitMs: 60_000,
      rounds: 3,
    })
    expect(options.targets).toEqual([
      { name: 'database', protocol: 'tcp', host: 'fd00::5', port: 5432 },
      { name: 'names', protocol: 'dns', host: '10.0.0.2', port: 53 },
    ])
  })

  it.each([
    ['nothing', []],
    ['a name in place of an address', [...NEEDED, '--try', 'x=tcp://example.com:80']],
    ['a port that is none', [...NEEDED, '--try', 'x=tcp://10.0.0.1:0']],
    ['no protocol', [...NEEDED, '--try', 'x=10.0.0.1:80']],
    ['no rounds', [...NEEDED, '--rounds', '0']],
    ['another egress', [...NEEDED, '--egress', 'all']],
    ['a flag it does not know', [...NEEDED, '--open']],
  ])('error: %s', (_, argv) => {
    expect(() => parseGateOptions(argv)).toThrow()
  })
})
