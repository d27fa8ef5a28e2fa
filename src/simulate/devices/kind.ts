import type { Metric } from '../metric.ts'
import type { Behaviour } from '../talk.ts'

/** A kind of device, declared: who makes it, where it stands, what it does and what it measures. */
export interface DeviceKind {
  readonly name: string
  readonly place: 'home' | 'factory'
  /** Vendor prefixes of its MAC address (IEEE registry); none = it makes up private addresses. */
  readonly oui: readonly string[]
  readonly wireless: boolean
  /** Whether it talks IPv6 to the Internet. */
  readonly ipv6: boolean
  readonly behaviours: readonly Behaviour[]
  /** What its readings hold, one a minute; absent = it sends none. */
  readonly metrics?: readonly Metric[]
}
