/** What the service still waits for before it can do all of its work; empty = ready. */
export class Readiness {
  readonly #waiting = new Map<string, string>()

  /** Names a condition that is not met yet, and why. */
  wait(name: string, why: string): void {
    this.#waiting.set(name, why)
  }

  done(name: string): void {
    this.#waiting.delete(name)
  }

  get ready(): boolean {
    return this.#waiting.size === 0
  }

  /** Condition -> why it is not met. */
  waiting(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#waiting)
  }
}
