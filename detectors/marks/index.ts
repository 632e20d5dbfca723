/** Every kind of mark, in the order in which an event has them. */
import { handedOver } from './handed-over.ts'
import type { Marker } from './mark.ts'
import { outward } from './outward.ts'
import { privateData } from './private-data.ts'
import { untrustedContent } from './untrusted-content.ts'

export const markers: readonly Marker[] = [handedOver, outward, privateData, untrustedContent]
