import { instantiate, WasmMemory } from './wasm.ts'

interface DenseKernels {
  loadBatch(
    samples: number,
    rows: number,
    nRows: number,
    d: number,
    low: number,
    high: number,
    x: number,
    batch: number,
  ): void
  forward(
    w: number,
    b: number,
    x: number,
    y: number,
    nOut: number,
    nIn: number,
    batch: number,
    hidden: number,
  ): void
  backwardInput(w: number, dz: number, a: number, dx: number, nOut: number, nIn: number, batch: number): void
  backwardWeights(
    dz: number,
    x: number,
    dw: number,
    db: number,
    nOut: number,
    nIn: number,
    batch: number,
  ): void
  squaredError(y: number, x: number, dz: number, n: number, scale: number): number
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    n: number,
    rate: number,
    correction: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void
}

/** Adam's constants as its paper and PyTorch set them. */
const beta1 = 0.9
const beta2 = 0.999
const epsilon = 1e-8

/**
 * A network of dense layers that reproduces its input: layer l turns sizes[l] units into sizes[l + 1],
 * by tanh, the last one linear and as wide as the input. Mean squared error, Adam. Everything lies in one
 * WebAssembly memory, the batch feature by feature (see simd/assembly/dense.ts).
 */
export class DenseNetwork {
  /** Samples of a batch; a smaller one leaves the rest unused. */
  readonly batchSize: number
  readonly sizes: readonly number[]
  readonly #padded: readonly number[]
  readonly #lanes: number
  readonly #kernels: DenseKernels
  readonly #memory = new WasmMemory()
  readonly #nParameters: number
  readonly #parameters: number
  readonly #gradient: number
  readonly #moments: number
  /** Address of layer l's weights relative to the parameters; its biases follow. */
  readonly #layers: readonly { weights: number; biases: number }[]
  /** Units of each layer for the batch, and the derivatives of the loss by them. */
  readonly #units: readonly number[]
  readonly #derivatives: readonly number[]
  /** Lowest and highest value of each input, the rows of the batch, and the samples they point into. */
  readonly #low: number
  readonly #high: number
  readonly #rows: number
  readonly #samples: number
  #steps = 0

  /**
   * @param sizes units of each layer, input first; the last equals the first
   * @param batchSize samples worked on at a time
   * @param capacity samples that {@link setSamples} is given at most
   */
  constructor(sizes: readonly number[], batchSize: number, capacity: number) {
    this.sizes = sizes
    this.batchSize = batchSize
    this.#padded = sizes.map((n) => Math.ceil(n / 4) * 4)
    this.#lanes = Math.ceil(batchSize / 8) * 8
    this.#kernels = instantiate<DenseKernels>('dense', this.#memory.memory)
    let count = 0
    this.#layers = sizes.slice(1).map((_, l) => {
      const weights = count * 4
      const biases = weights + this.#padded[l]! * this.#padded[l + 1]! * 4
      count = biases / 4 + this.#padded[l + 1]!
      return { weights, biases }
    })
    this.#nParameters = count
    this.#parameters = this.#memory.take(count * 4)
    this.#gradient = this.#memory.take(count * 4)
    this.#moments = this.#memory.take(count * 8)
    this.#units = this.#padded.map((n) => this.#memory.take(n * this.#lanes * 4))
    this.#derivatives = this.#padded.map((n) => this.#memory.take(n * this.#lanes * 4))
    this.#low = this.#memory.take(sizes[0]! * 4)
    this.#high = this.#memory.take(sizes[0]! * 4)
    this.#rows = this.#memory.take(batchSize * 4)
    this.#samples = this.#memory.take(capacity * sizes[0]! * 4)
  }

  /** Sets the values, one an input, below and above which inputs are cut off. */
  setRange(low: Float32Array, high: Float32Array): void {
    this.#memory.float32(this.#low, low.length).set(low)
    this.#memory.float32(this.#high, high.length).set(high)
  }

  /** Copies row-major samples that batches are then loaded from. */
  setSamples(data: Float32Array): void {
    this.#memory.float32(this.#samples, data.length).set(data)
  }

  /** Loads the batch with the samples `rows`, at least 1 and at most batchSize. */
  load(rows: Uint32Array): void {
    this.#memory.uint32(this.#rows, rows.length).set(rows)
    this.#kernels.loadBatch(
      this.#samples,
      this.#rows,
      rows.length,
      this.sizes[0]!,
      this.#low,
      this.#high,
      this.#units[0]!,
      this.#lanes,
    )
  }

  /** Weights (nOut, nIn) and biases of each layer in turn, without padding. */
  get parameters(): Float32Array {
    return this.#gather(this.#parameters)
  }

  set parameters(values: Float32Array) {
    const to = this.#memory.float32(this.#parameters, this.#nParameters)
    let from = 0
    this.#eachRow((row, length) => {
      to.set(values.subarray(from, from + length), row)
      from += length
    })
  }

  /** Derivative of the loss of the last {@link backward} by each parameter, ordered as they are. */
  get gradient(): Float32Array {
    return this.#gather(this.#gradient)
  }

  /** The batch as the network sees it: feature j of sample b at `input[j * stride + b]`. */
  get input(): Float32Array {
    return this.#memory.float32(this.#units[0]!, this.#padded[0]! * this.#lanes)
  }

  /** What the network makes of the input after {@link forward}, laid out like it. */
  get output(): Float32Array {
    return this.#memory.float32(this.#units.at(-1)!, this.#padded[0]! * this.#lanes)
  }

  /** Distance of two features of a sample in `input` and `output`. */
  get stride(): number {
    return this.#lanes
  }

  /** Runs the batch through all layers. */
  forward(): void {
    for (let l = 0; l + 1 < this.sizes.length; l++) {
      this.#kernels.forward(
        this.#parameters + this.#layers[l]!.weights,
        this.#parameters + this.#layers[l]!.biases,
        this.#units[l]!,
        this.#units[l + 1]!,
        this.#padded[l + 1]!,
        this.#padded[l]!,
        this.#lanes,
        l + 2 < this.sizes.length ? 1 : 0,
      )
    }
  }

  /**
   * Loss of the batch after {@link forward} and its derivatives by the parameters.
   *
   * @param samples how many the batch really has
   * @returns mean squared error over samples and features
   */
  backward(samples: number): number {
    const last = this.sizes.length - 1
    const loss = this.loss(samples)
    for (let l = last - 1; l >= 0; l--) {
      const nOut = this.#padded[l + 1]!
      const nIn = this.#padded[l]!
      const { weights, biases } = this.#layers[l]!
      this.#kernels.backwardWeights(
        this.#derivatives[l + 1]!,
        this.#units[l]!,
        this.#gradient + weights,
        this.#gradient + biases,
        nOut,
        nIn,
        this.#lanes,
      )
      if (l > 0) {
        this.#kernels.backwardInput(
          this.#parameters + weights,
          this.#derivatives[l + 1]!,
          this.#units[l]!,
          this.#derivatives[l]!,
          nOut,
          nIn,
          this.#lanes,
        )
      }
    }
    return loss
  }

  /** Mean squared error of the batch over `samples` and features after {@link forward}. */
  loss(samples: number): number {
    const last = this.sizes.length - 1
    const values = samples * this.sizes[0]!
    this.#clearUnused(samples)
    return (
      this.#kernels.squaredError(
        this.#units[last]!,
        this.#units[0]!,
        this.#derivatives[last]!,
        this.#padded[0]! * this.#lanes,
        2 / values,
      ) / values
    )
  }

  /** Moves the parameters by one step of Adam along the last gradient. */
  step(learningRate: number): void {
    this.#steps++
    this.#kernels.adam(
      this.#parameters,
      this.#gradient,
      this.#moments,
      this.#moments + this.#nParameters * 4,
      this.#nParameters,
      learningRate / (1 - beta1 ** this.#steps),
      1 / Math.sqrt(1 - beta2 ** this.#steps),
      beta1,
      beta2,
      epsilon,
    )
  }

  /** Lanes without a sample reproduce themselves, so that they add nothing to loss and gradient. */
  #clearUnused(samples: number): void {
    if (samples === this.#lanes) return
    const { input, output } = this
    for (let at = 0; at < input.length; at += this.#lanes) {
      for (let b = samples; b < this.#lanes; b++) output[at + b] = input[at + b]!
    }
  }

  #gather(address: number): Float32Array {
    const from = this.#memory.float32(address, this.#nParameters)
    const values: number[] = []
    this.#eachRow((row, length) => {
      for (let i = 0; i < length; i++) values.push(from[row + i]!)
    })
    return Float32Array.from(values)
  }

  /** Calls `visit` with the place and true length of every weight row and bias vector, in order. */
  #eachRow(visit: (offset: number, length: number) => void): void {
    this.#layers.forEach(({ weights, biases }, l) => {
      const nIn = this.sizes[l]!
      const nOut = this.sizes[l + 1]!
      for (let o = 0; o < nOut; o++) visit(weights / 4 + o * this.#padded[l]!, nIn)
      visit(biases / 4, nOut)
    })
  }
}
