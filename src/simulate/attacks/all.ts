import type { Attack } from './attack.ts'
import { beacon } from './beacon.ts'
import { bruteforce } from './bruteforce.ts'
import { exfiltration } from './exfiltration.ts'
import { flood } from './flood.ts'
import { scan } from './scan.ts'

export const ATTACKS: readonly Attack[] = [scan, flood, beacon, exfiltration, bruteforce]
