/**
 * Which addresses a webhook may be sent to. A URL is text that somebody typed or an attacker changed: without this
 * check it could make us talk to cloud metadata, to our own API or to the network behind us (SSRF).
 */
import ipaddr from 'ipaddr.js'

export type Cidr = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/** `10.1.0.0/16`, or one address. `undefined` when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  try {
    if (text.includes('/')) {
      return ipaddr.parseCIDR(text)
    }
    const address = ipaddr.parse(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  } catch {
    return undefined
  }
}

/**
 * Public unicast only. Everything that reaches our own host or network is out: private, loopback, link-local (cloud
 * metadata), carrier-grade NAT, unique-local, multicast, reserved, and IPv6 forms that carry an IPv4 address
 * (mapped, NAT64, 6to4, Teredo), since what they end in cannot be seen here.
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'unicast'
}

/** Whether an operator named the address as one of their own (`allow`). */
export function isAllowedAddress(address: string, allow: readonly Cidr[]): boolean {
  if (!ipaddr.isValid(address)) {
    return false
  }
  const parsed = ipaddr.process(address)
  return allow.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits))
}
