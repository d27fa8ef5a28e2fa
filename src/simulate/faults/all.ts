import { drift } from './drift.ts'
import { dropout } from './dropout.ts'
import type { Fault } from './fault.ts'
import { noise } from './noise.ts'
import { spike } from './spike.ts'
import { stuck } from './stuck.ts'

export const FAULTS: readonly Fault[] = [spike, drift, stuck, noise, dropout]
