/** A bus for tests that ask how far its consumers have read. */
import type { Assignment, Bus } from './bus/bus.ts'

/** The bus, telling how many records each read gave. */
export function watchReads(bus: Bus, onRead: (count: number) => void): Bus {
  const bound = <T extends object>(target: T, name: string | symbol) => {
    const member: unknown = Reflect.get(target, name)
    return typeof member === 'function' ? member.bind(target) : member
  }
  const watch = (assignment: Assignment): Assignment =>
    new Proxy(assignment, {
      get: (target, name) =>
        name !== 'read'
          ? bound(target, name)
          : async (options: Parameters<Assignment['read']>[0]) => {
              const records = await target.read(options)
              onRead(records.length)
              return records
            },
    })
  const consume: Bus['consume'] = (options, own, signal) =>
    bus.consume(options, (assignment, owned) => own(watch(assignment), owned), signal)
  return new Proxy(bus, { get: (target, name) => (name === 'consume' ? consume : bound(target, name)) })
}
