import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/** A name for who takes work in this process, `host/pid/uuid`; another each time. */
export function newOwner(): string {
  return `${hostname()}/${process.pid}/${randomUUID()}`
}

/** Whether an owner was a process of this machine that is no more; in doubt not, its last sign of life decides then. */
export function isDeadHere(owner: string): boolean {
  const [host, pid] = owner.split('/')
  if (host !== hostname() || !pid) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
