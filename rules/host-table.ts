/** Finds the entries of a list that a host falls under, in time that depends on the host and not on the list. */
import type { HostPattern } from './egress-pattern.ts'
import type { Address, Host } from './hosts.ts'

/** A node of the trie of names: labels from the right, `com` first. */
interface Node<Entry> {
  readonly children: Map<string, Node<Entry>>
  /** Entries for exactly this name. */
  readonly here: Entry[]
  /** Entries for every name below this one. */
  readonly below: Entry[]
}

/** Entries for one address family, by prefix length and then by the network's number. */
type Networks<Entry> = Map<number, Map<bigint, Entry[]>>

export class HostTable<Entry> {
  readonly #any: Entry[] = []
  readonly #names: Node<Entry> = emptyNode()
  readonly #v4: Networks<Entry> = new Map()
  readonly #v6: Networks<Entry> = new Map()

  add(pattern: HostPattern, entry: Entry): void {
    switch (pattern.kind) {
      case 'any':
        this.#any.push(entry)
        break
      case 'below':
        this.#node(pattern.suffix).below.push(entry)
        break
      case 'network':
        this.#addNetwork(pattern.network, pattern.bits, entry)
        break
      case 'host':
        if (pattern.host.kind === 'name') {
          this.#node(pattern.host.name).here.push(entry)
        } else {
          this.#addNetwork(pattern.host, widthOf(pattern.host), entry)
        }
        break
    }
  }

  /** Every entry that the host falls under. */
  find(host: Host): readonly Entry[] {
    return host.kind === 'name' ? this.#findName(host.name) : this.#findAddress(host)
  }

  #findName(name: string): readonly Entry[] {
    const found = [...this.#any]
    let node: Node<Entry> | undefined = this.#names
    const labels = name.split('.').reverse()
    for (const [index, label] of labels.entries()) {
      node = node.children.get(label)
      if (node === undefined) {
        return found
      }
      found.push(...(index === labels.length - 1 ? node.here : node.below))
    }
    return found
  }

  #findAddress(address: Address): readonly Entry[] {
    const found = [...this.#any]
    const width = widthOf(address)
    for (const [bits, networks] of this.#networks(address)) {
      found.push(...(networks.get(BigInt(address.value) >> BigInt(width - bits)) ?? []))
    }
    return found
  }

  #addNetwork(network: Address, bits: number, entry: Entry): void {
    const byLength = this.#networks(network)
    const networks = byLength.get(bits) ?? new Map<bigint, Entry[]>()
    byLength.set(bits, networks)
    const number = BigInt(network.value) >> BigInt(widthOf(network) - bits)
    networks.set(number, [...(networks.get(number) ?? []), entry])
  }

  #networks(address: Address): Networks<Entry> {
    return address.kind === 'v4' ? this.#v4 : this.#v6
  }

  #node(name: string): Node<Entry> {
    let node = this.#names
    for (const label of name.split('.').reverse()) {
      const child: Node<Entry> = node.children.get(label) ?? emptyNode()
      node.children.set(label, child)
      node = child
    }
    return node
  }
}

function emptyNode<Entry>(): Node<Entry> {
  return { children: new Map(), here: [], below: [] }
}

function widthOf(address: Address): number {
  return address.kind === 'v4' ? 32 : 128
}
