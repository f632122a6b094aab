import { isIP } from 'node:net'

/** An address of the network as it is dialled; `host` is an IP address, never a name: a sealed pod has no DNS. */
export interface Address {
  host: string
  port: number
}

/** Reads `10.0.0.1:443` or `[fd00::1]:443`. @throws Error that names the text */
export function parseAddress(text: string): Address {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<four>[^:]+)):(?<port>\d{1,5})$/.exec(text)
  const host = match?.groups?.['six'] ?? match?.groups?.['four'] ?? ''
  const port = Number(match?.groups?.['port'])
  if (isIP(host) === 0 || !(port > 0 && port < 65_536)) throw new Error(`not an IP address with a port: ${text}`)
  return { host, port }
}

/** The reverse of `parseAddress`. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether `parseAddress` takes a text. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text)
    return true
  } catch {
    return false
  }
}
