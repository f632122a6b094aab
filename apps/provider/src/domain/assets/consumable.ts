import { ASSET_STATE, type Credentials } from '@c2d/contracts'
import type { Asset } from './resolve-asset.ts'

/**
 * Why this consumer may not use the asset now, in the reference's words (provider-http-api §6.2); null when they may.
 * @param consumerAddress whom the credentials lists are asked about
 */
export function whyNotConsumable(asset: Asset, consumerAddress: string): string | null {
  if (asset.state !== ASSET_STATE.active && asset.state !== ASSET_STATE.unlisted) return 'Asset is not consumable.'
  const denied = deniedByCredentials(asset.ddo.credentials, consumerAddress)
  return denied && `Error: Access to asset ${asset.ddo.id} was denied with code: ConsumableCodes.${denied}.`
}

/**
 * A non-empty allow list decides alone; else the deny list does. Every entry counts, where the reference reads the first
 * of addresses: a second one on a deny list would let in whom it names. Whoever allows only by other kinds than addresses,
 * which nobody here can check, allows nobody.
 */
export function deniedByCredentials(
  credentials: Credentials | null | undefined,
  consumerAddress: string,
): 'CREDENTIAL_NOT_IN_ALLOW_LIST' | 'CREDENTIAL_IN_DENY_LIST' | null {
  const address = consumerAddress.toLowerCase()
  if (valuesOf(credentials?.allow).length > 0) {
    return addressesOf(credentials?.allow).includes(address) ? null : 'CREDENTIAL_NOT_IN_ALLOW_LIST'
  }
  return addressesOf(credentials?.deny).includes(address) ? 'CREDENTIAL_IN_DENY_LIST' : null
}

function addressesOf(list: Credentials['allow']): string[] {
  return valuesOf(list?.filter(({ type }) => type === 'address')).map((value) => value.toLowerCase())
}

function valuesOf(list: Credentials['allow']): string[] {
  return (list ?? []).flatMap(({ values }) => values ?? [])
}
