import type { NetworkPolicy } from './manifest.ts'
import { LABEL, MANAGER } from './names.ts'

/**
 * The two policies of a namespace, there before any pod: nothing in or out for a stranger's code, but public addresses
 * for those that may. Which of them a pod meets is its label's to say (DESIGN §5). By lists, which a patch replaces whole.
 */
export function buildPolicies(namespace: string): NetworkPolicy[] {
  const metadata = (name: string) => ({ name, namespace, labels: { [LABEL.managedBy]: MANAGER } })
  const strangers = { key: LABEL.egress, operator: 'Exists' }
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: metadata('c2d-sealed'),
      spec: {
        podSelector: { matchExpressions: [strangers] },
        policyTypes: ['Ingress', 'Egress'],
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: metadata('c2d-public-egress'),
      spec: {
        podSelector: { matchExpressions: [{ key: LABEL.egress, operator: 'In', values: ['public'] }] },
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: NOT_PUBLIC_V4 } },
              { ipBlock: { cidr: '2000::/3', except: NOT_PUBLIC_V6 } },
            ],
          },
        ],
      },
    },
  ]
}

/** Special-purpose IPv4 addresses (IANA registry): inside, local, or nobody's. */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Of the global unicast range 2000::/3, what is no public host: Teredo and special purposes, documentation, 6to4. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
