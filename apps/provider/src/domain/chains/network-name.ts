const NETWORK_NAMES: Record<number, string> = {
  1: 'mainnet',
  5: 'goerli',
  10: 'optimism',
  56: 'bsc',
  100: 'gen-x-testnet',
  137: 'polygon',
  246: 'energyweb',
  1285: 'moonriver',
  3141: 'filecointestnet',
  8996: 'Ganache',
  23294: 'oasis_saphire',
  23295: 'oasis_saphire_testnet',
  44787: 'alfajores',
  80001: 'mumbai',
  81001: 'polygonedge',
  2021000: 'gaiaxtestnet',
  11155111: 'sepolia',
  11155420: 'optimism_sepolia',
}

/** The network's name as error texts spell it (provider-http-api §1.6). */
export function networkName(chainId: number): string {
  return NETWORK_NAMES[chainId] ?? 'Unknown'
}

/** A refusal whose text names the network, as the reference prefixes most of them (provider-http-api §1.7). */
export function networkText(network: string, text: string): string {
  return `Provider ${network}: ${text}`
}
