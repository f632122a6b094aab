import type { Lookup } from '@c2d/http-kit'

/** Names that a resolver of the attacker's answers, or one inside. */
const NAMES: Record<string, string[]> = {
  'inside.example': ['127.0.0.1'],
  'inside-6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'compatible.example': ['::7f00:1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'six-to-four.example': ['2002:7f00:1::'],
  'zoned.example': ['::1%lo'],
  'unspecified.example': ['0.0.0.0'],
  'metadata.example': ['169.254.169.254'],
  'mixed.example': ['8.8.8.8', '127.0.0.1'],
  '127.0.0.1.nip.example': ['127.0.0.1'],
  localhost: ['127.0.0.1', '::1'],
  'localhost.localdomain': ['127.0.0.1'],
  'ip6-localhost': ['::1'],
  'anything.localhost': ['127.0.0.1'],
}

/** A resolver that knows these names and no other: nothing is asked outside. */
export const hostileLookup: Lookup = (host, _options, done) => {
  const found = NAMES[host.replace(/\.$/, '')]
  if (found)
    done(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  else done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [])
}

/**
 * Ways to write an address inside, each by what it tries.
 * @param port where something listens on loopback
 * @param redirect gives an address outside that redirects there with a status
 */
export function hostileAddresses(
  port: number,
  redirect: (status: number, to: string) => string,
): [what: string, url: string][] {
  const inside = `http://127.0.0.1:${port}/x`
  const hosts: [string, string][] = [
    ['dotted', '127.0.0.1'],
    ['another of the range', '127.0.0.2'],
    ['the last of the range', '127.255.255.254'],
    ['decimal', '2130706433'],
    ['decimal with a dot', '2130706433.'],
    ['hex', '0x7f000001'],
    ['hex in parts', '0x7f.0x0.0x0.0x1'],
    ['octal', '017700000001'],
    ['octal in parts', '0177.0.0.1'],
    ['octal with zeros in front', '00000177.00.00.01'],
    ['mixed bases', '0x7f.0.0.01'],
    ['hex, then short', '0x7f.1'],
    ['two parts', '127.1'],
    ['three parts', '127.0.1'],
    ['trailing dot', '127.0.0.1.'],
    ['zero', '0'],
    ['zeros', '0.0.0.0'],
    ['IPv6', '[::1]'],
    ['IPv6 in full', '[0:0:0:0:0:0:0:1]'],
    ['IPv6 unspecified', '[::]'],
    ['mapped', '[::ffff:127.0.0.1]'],
    ['mapped in hex', '[::ffff:7f00:1]'],
    ['mapped in full', '[0:0:0:0:0:ffff:7f00:1]'],
    ['compatible', '[::127.0.0.1]'],
    ['translated', '[::ffff:0:127.0.0.1]'],
    ['NAT64', '[64:ff9b::127.0.0.1]'],
    ['NAT64, local', '[64:ff9b:1::7f00:1]'],
    ['6to4', '[2002:7f00:1::]'],
    ['Teredo', '[2001:0:7f00:1::80ff:fffe]'],
    ['link-local', '[fe80::1]'],
    ['unique local', '[fd00::1]'],
    ['site-local', '[fec0::1]'],
    ['a zone', '[::1%25lo]'],
    ['a zone, unencoded', '[::1%lo]'],
    ['userinfo', 'example.org@127.0.0.1'],
    ['userinfo with a password', 'example.org:80@127.0.0.1'],
    ['userinfo with a blank', 'example.org @127.0.0.1'],
    ['userinfo behind a fragment', '127.0.0.1#@example.org'],
    ['userinfo behind a backslash', 'example.org\\@127.0.0.1'],
    ['full-width digits', '１２７.０.０.１'],
    ['circled digits', '①②⑦.⓪.⓪.①'],
    ['ideographic dots', '127。0。0。1'],
    ['full-width hex', '０ｘ７ｆ．１'],
    ['percent-encoded digits', '%31%32%37.0.0.1'],
    ['percent-encoded name', '%6c%6f%63%61%6c%68%6f%73%74'],
    ['null byte', '127.0.0.1%00.example.org'],
    ['circled letters', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ'],
    ['a soft hyphen', 'local\u00adhost'],
    ['metadata of a cloud', '169.254.169.254'],
    ['private', '10.0.0.1'],
    ['carrier NAT', '100.64.0.1'],
    ['broadcast', '255.255.255.255'],
    ['capitals', 'LOCALHOST'],
    ['name with a dot', 'localhost.'],
    ...Object.keys(NAMES).map((name): [string, string] => ['a name', name]),
  ]
  const schemes = ['file:///etc/passwd', 'file://127.0.0.1/etc/passwd', 'data:text/plain,x', 'about:blank'].concat(
    ['ftp', 'gopher', 'dict', 'ldap', 'ws', 'unix', 'jar:http', 'javascript'].map(
      (scheme) => `${scheme}://127.0.0.1:${port}/x`,
    ),
  )
  const redirected = [
    `//127.0.0.1:${port}/x`,
    `\\\\127.0.0.1:${port}\\x`,
    `http://[::1]:${port}/`,
    'file:///etc/passwd',
  ]
    .concat(`http://inside.example:${port}/`, `HTTP://2130706433:${port}/`, ` http://127.0.0.1:${port}/`)
    .map((to): [string, string] => [`redirected to ${to}`, redirect(302, to)])
  return [
    ...hosts.map(([what, host]): [string, string] => [`${what}: ${host}`, `http://${host}:${port}/x`]),
    ...schemes.map((url): [string, string] => ['scheme', url]),
    ['tls', `https://127.0.0.1:${port}/x`],
    ['backslashes', `http:\\\\127.0.0.1:${port}\\x`],
    ['one slash', `http:/127.0.0.1:${port}/x`],
    ['no slash', `http:127.0.0.1:${port}/x`],
    ['no scheme', `//127.0.0.1:${port}/x`],
    ['a tab', `http://127.0\t.0.1:${port}/x`],
    ['line feeds', `ht\ntp://127.0.0.1:${port}/x`],
    ['a line of a request', `http://127.0.0.1:${port}/x HTTP/1.1\r\nHost: inside\r\n\r\n`],
    ['blanks around', `  ${inside}  `],
    ...[301, 302, 303, 307, 308].map((status): [string, string] => [`redirect ${status}`, redirect(status, inside)]),
    ['a chain of redirects', redirect(307, redirect(302, redirect(301, inside)))],
    [
      'more redirects than are followed',
      Array(9)
        .fill(0)
        .reduce((to: string) => redirect(302, to), inside),
    ],
    ...redirected,
  ]
}
