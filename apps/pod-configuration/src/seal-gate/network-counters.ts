/** How much a network namespace has received since it was made, by the kernel's own count. */
export interface NetworkCounters {
  tcpSegmentsIn: number
  udpDatagramsIn: number
}

/** Reads /proc/net/snmp: a line of names, then a line of numbers, per protocol. Null where it does not say. */
export function parseNetworkCounters(text: string): NetworkCounters | null {
  const tcpSegmentsIn = readCounter(text, 'Tcp', 'InSegs')
  const udpDatagramsIn = readCounter(text, 'Udp', 'InDatagrams')
  return tcpSegmentsIn === null || udpDatagramsIn === null ? null : { tcpSegmentsIn, udpDatagramsIn }
}

function readCounter(text: string, protocol: string, name: string): number | null {
  const [names, values] = text.split('\n').filter((line) => line.startsWith(`${protocol}: `))
  const position = names?.split(' ').indexOf(name) ?? -1
  const value = position < 0 ? undefined : values?.split(' ')[position]
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null
}
