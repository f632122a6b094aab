import { describe, expect, it } from '@jest/globals'
import { chooseTargets, type PodFacts } from './choose-targets.ts'
import type { GateOptions } from './gate-options.ts'
import { formatAddress } from './parse-address.ts'

const facts: PodFacts = {
  apiServerHost: '10.96.0.1',
  apiServerPort: '443',
  hostIp: '192.168.7.4',
  resolvConf: 'search cluster.local\nnameserver 10.96.0.10\n nameserver fd00::a\noptions ndots:5\n',
}
type Options = Pick<GateOptions, 'targets' | 'control' | 'egress' | 'allowNode'>
const buildOptions = (rest: Partial<Options> = {}): Options => ({
  targets: [],
  control: { host: '10.0.0.5', port: 7000 },
  egress: 'none',
  allowNode: false,
  ...rest,
})
const choose = (rest: Partial<Options> = {}, found: Partial<PodFacts> = {}) =>
  chooseTargets(buildOptions(rest), { ...facts, ...found }).map(
    (target) => `${target.name} ${target.protocol} ${formatAddress(target)}`,
  )

describe('chooseTargets', () => {
  it('takes the canary, the API server, the kubelet and the name servers by UDP and TCP', () => {
    expect(choose()).toEqual([
      'canary tcp 10.0.0.5:7000',
      'api-server tcp 10.96.0.1:443',
      'node tcp 192.168.7.4:10250',
      'dns dns 10.96.0.10:53',
      'dns tcp 10.96.0.10:53',
      'dns dns [fd00::a]:53',
      'dns tcp [fd00::a]:53',
    ])
  })

  it('behaviour: an address of the operator is tried too, once', () => {
    const database = { name: 'database', protocol: 'tcp' as const, host: '10.0.0.9', port: 5432 }
    expect(choose({ targets: [database, database] }).filter((line) => line.includes('5432'))).toHaveLength(1)
  })

  it('behaviour: where the node may answer, nothing on it is tried', () => {
    const lines = choose({ allowNode: true, control: { host: '192.168.7.4', port: 7000 } })
    expect(lines.join()).not.toContain('192.168.7.4')
    expect(lines).toContain('api-server tcp 10.96.0.1:443')
  })

  it('behaviour: with egress to public addresses only the others are tried', () => {
    const lines = choose({ egress: 'public' }, { hostIp: '203.0.113.7', resolvConf: 'nameserver 9.9.9.9' })
    expect(lines).toEqual(['canary tcp 10.0.0.5:7000', 'api-server tcp 10.96.0.1:443'])
  })

  it('behaviour: the pod itself is no target', () => {
    expect(choose({}, { resolvConf: 'nameserver 127.0.0.1\nnameserver ::1' }).join()).not.toContain('dns')
  })

  it('error: more addresses than a receipt can name', () => {
    const targets = Array.from({ length: 31 }, (_, port) => ({
      name: 'many',
      protocol: 'tcp' as const,
      host: '10.0.0.1',
      port: port + 1,
    }))
    expect(() => choose({ targets })).toThrow('more than 30')
  })
})
