import { describe, expect, it } from 'vitest'
import { outcome } from './botnet-outcome.ts'
import { SCENARIOS } from './botnet-traffic.ts'

/** Alarmed flows from which a behaviour can be told. */
const ENOUGH = 5

describe('the type of what an infected device does, whatever share of it is alarmed', () => {
  it.each(SCENARIOS)('$name', (scenario) => {
    for (const share of [1, 0.3, 0.05]) {
      const { alarmed, right, types, incidents } = outcome(scenario, share)
      if (share === 1) expect(incidents).toBeLessThanOrEqual(8)
      if (alarmed < ENOUGH) continue
      expect({ share, types, right }).toSatisfy((o: { right: number }) => o.right >= 0.9)
    }
  })
})
