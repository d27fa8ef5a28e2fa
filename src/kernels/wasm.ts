import { readFileSync } from 'node:fs'

const pageBytes = 65536
/** Compiled kernels of this thread, by name. */
const modules = new Map<string, WebAssembly.Module>()

/**
 * The compiled kernel `simd/NAME.wasm`, which stands beside this file in the sources and in the package.
 *
 * @throws Error saying how to build it when it is not there
 */
export function wasmModule(name: string): WebAssembly.Module {
  let module = modules.get(name)
  if (!module) {
    const url = new URL(`./simd/${name}.wasm`, import.meta.url)
    let bytes: Uint8Array<ArrayBuffer>
    try {
      bytes = readFileSync(url)
    } catch (error) {
      throw new Error(`the kernel ${url.pathname} is missing; npm run build:simd makes it`, { cause: error })
    }
    module = new WebAssembly.Module(bytes)
    modules.set(name, module)
  }
  return module
}

/**
 * Memory that kernels work in, shared so that several threads can open it. It is handed out from the
 * start and given back as a whole.
 */
export class WasmMemory {
  readonly memory: WebAssembly.Memory
  #used = 64

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: pageBytes, shared: true })
  }

  /**
   * Address of `bytes` fresh bytes, at a multiple of 64 (a cache line).
   *
   * @throws RangeError beyond the 4 GiB that a kernel can address
   */
  take(bytes: number): number {
    const address = this.#used
    this.#used = Math.ceil((address + bytes) / 64) * 64
    const missing = this.#used - this.memory.buffer.byteLength
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / pageBytes))
      } catch (error) {
        throw new RangeError(`a kernel needs ${this.#used} bytes of memory, more than there is`, {
          cause: error,
        })
      }
    }
    return address
  }

  /** Takes everything back; what lies there stays until it is overwritten. */
  reset(): void {
    this.#used = 64
  }

  /** A view on `length` values from `address`; stays valid when the memory grows, being shared. */
  float32(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length)
  }

  float64(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length)
  }

  uint32(address: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length)
  }
}

/** The functions of kernel `name`, working in `memory`. */
export function instantiate<Kernels>(name: string, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(wasmModule(name), { env: { memory } }).exports as Kernels
}

/** What a kernel has in its memory. */
interface Load<Kernels, Input, Places> {
  readonly memory: WasmMemory
  readonly kernels: Kernels
  readonly input: Input
  readonly places: Places
}

/** Loads kept by a thread for each kernel: two models of flows and readings, and their second looks. */
const MOST_LOADS = 4

/** What this thread's kernels have loaded, kernel by kernel. */
const allLoads: { length: number }[] = []

/** Forgets what this thread's kernels have loaded, for when it was for models that nobody will use again. */
export function forgetLoads(): void {
  for (const loads of allLoads) loads.length = 0
}

/**
 * The inputs that a kernel worked on last, each in a memory of its own, so that whoever takes turns between models
 * finds them loaded.
 */
export class KernelLoads<Kernels, Input, Places> {
  readonly #name: string
  readonly #load: (input: Input, memory: WasmMemory, kernels: Kernels) => Places
  readonly #same: (a: Input, b: Input) => boolean
  /** The one used last at the end. */
  readonly #loads: Load<Kernels, Input, Places>[] = []

  /**
   * @param name of the kernel
   * @param load puts an input into the memory; tells where things lie there
   * @param same whether one input stands for the other
   */
  constructor(
    name: string,
    load: (input: Input, memory: WasmMemory, kernels: Kernels) => Places,
    same: (a: Input, b: Input) => boolean,
  ) {
    this.#name = name
    this.#load = load
    this.#same = same
    allLoads.push(this.#loads)
  }

  /** The load of this input, made where it is not kept. */
  get(input: Input): Load<Kernels, Input, Places> {
    const loads = this.#loads
    const last = loads.at(-1)
    if (last && this.#same(last.input, input)) return last
    const at = loads.findIndex((load) => this.#same(load.input, input))
    const load = at < 0 ? this.#fresh(input) : loads.splice(at, 1)[0]!
    loads.push(load)
    return load
  }

  #fresh(input: Input): Load<Kernels, Input, Places> {
    const old = this.#loads.length < MOST_LOADS ? undefined : this.#loads.shift()
    const memory = old?.memory ?? new WasmMemory()
    const kernels = old?.kernels ?? instantiate<Kernels>(this.#name, memory.memory)
    memory.reset()
    return { memory, kernels, input, places: this.#load(input, memory, kernels) }
  }
}
