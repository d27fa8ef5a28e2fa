/** Readings as they were read, row after row; a row's values are those of its shape. */
export class ReadingRows {
  length = 0
  ts = new Float64Array(1024)
  /** Index into {@link devices}. */
  device = new Uint32Array(1024)
  /** Index into {@link shapes}. */
  shape = new Uint32Array(1024)
  /** Where the row's values begin in {@link values}. */
  start = new Uint32Array(1025)
  values = new Float64Array(8192)
  /** Number of the record in its request, 0-based. */
  record = new Uint32Array(1024)
  readonly devices: string[] = []
  /** Sorted metric names. */
  readonly shapes: (readonly string[])[] = []
  readonly #deviceIndex = new Map<string, number>()
  readonly #shapeIndex = new Map<string, number>()

  deviceOf(name: string): number {
    let index = this.#deviceIndex.get(name)
    if (index === undefined) {
      index = this.devices.push(name) - 1
      this.#deviceIndex.set(name, index)
    }
    return index
  }

  shapeOf(metrics: readonly string[]): number {
    const key = JSON.stringify(metrics)
    let index = this.#shapeIndex.get(key)
    if (index === undefined) {
      index = this.shapes.push(metrics) - 1
      this.#shapeIndex.set(key, index)
    }
    return index
  }

  /** Makes room for a row of `width` values and returns where they go; {@link commit} counts it. */
  reserve(width: number): number {
    const i = this.length
    if (i === this.ts.length) {
      this.ts = grown(this.ts, i * 2)
      this.device = grown(this.device, i * 2)
      this.shape = grown(this.shape, i * 2)
      this.start = grown(this.start, i * 2 + 1)
      this.record = grown(this.record, i * 2)
    }
    const at = this.start[i]!
    if (at + width > this.values.length) this.values = grown(this.values, (at + width) * 2)
    return at
  }

  commit(device: number, ts: number, shape: number, width: number, record: number): void {
    const i = this.length++
    this.device[i] = device
    this.ts[i] = ts
    this.shape[i] = shape
    this.record[i] = record
    this.start[i + 1] = this.start[i]! + width
  }

  add(
    device: string,
    ts: number,
    metrics: readonly string[],
    values: readonly number[],
    record: number,
  ): void {
    const at = this.reserve(values.length)
    for (let j = 0; j < values.length; j++) this.values[at + j] = values[j]!
    this.commit(this.deviceOf(device), ts, this.shapeOf(metrics), values.length, record)
  }
}

function grown<T extends Float64Array | Uint32Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length)
  larger.set(array)
  return larger
}
