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

  uint32(address: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length)
  }
}

/** The functions of kernel `name`, working in `memory`. */
export function instantiate<Kernels>(name: string, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(wasmModule(name), { env: { memory } }).exports as Kernels
}
