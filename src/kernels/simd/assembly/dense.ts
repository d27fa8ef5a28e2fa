/**
 * Dense layers on mini-batches. A batch is stored feature by feature (units, B), B a multiple of 8, so
 * that a vector holds one unit of 4 samples and a sample never meets another one: what it gives does not
 * depend on its company. Unit counts are multiples of 4, padded with units whose weights are 0.
 * Weights are row-major (nOut, nIn). All arguments that name arrays are byte addresses.
 */

/**
 * Puts samples into a batch, each value brought within its feature's range. Lanes beyond the samples
 * repeat the first one.
 *
 * @param samples row-major, d values each
 * @param rows which nRows <= B of them, u32
 * @param low,high d values each
 * @param x (d, B) out
 */
export function loadBatch(
  samples: usize, rows: usize, nRows: i32, d: i32, low: usize, high: usize, x: usize, B: i32,
): void {
  const stride = <usize>B << 2
  const end = <usize>d << 2
  for (let b = 0; b < B; b += 4) {
    const r0 = rowAt(samples, rows, nRows, d, b)
    const r1 = rowAt(samples, rows, nRows, d, b + 1)
    const r2 = rowAt(samples, rows, nRows, d, b + 2)
    const r3 = rowAt(samples, rows, nRows, d, b + 3)
    let to = x + (<usize>b << 2)
    for (let j: usize = 0; j < end; j += 4) {
      let v = v128.load32_splat(r0 + j)
      v = v128.load_lane<f32>(r1 + j, v, 1)
      v = v128.load_lane<f32>(r2 + j, v, 2)
      v = v128.load_lane<f32>(r3 + j, v, 3)
      v = f32x4.min(v128.load32_splat(high + j), f32x4.max(v128.load32_splat(low + j), v))
      v128.store(to, v)
      to += stride
    }
  }
}

// @ts-ignore: decorator
@inline
function rowAt(samples: usize, rows: usize, nRows: i32, d: i32, b: i32): usize {
  const row = load<u32>(rows + (b < nRows ? <usize>b << 2 : 0))
  return samples + (<usize>row * <usize>d << 2)
}

/** Y = W X + b, of a hidden layer tanh of it; X (nIn, B), Y (nOut, B). */
export function forward(
  w: usize, b: usize, x: usize, y: usize, nOut: i32, nIn: i32, B: i32, hidden: bool,
): void {
  for (let o = 0; o < nOut; o += 4) {
    const row = w + ((<usize>(o * nIn)) << 2)
    const bias = b + ((<usize>o) << 2)
    product(row, (<usize>nIn) << 2, 4, bias, x, y + ((<usize>(o * B)) << 2), nIn, B)
  }
  if (!hidden) return
  const end = y + ((<usize>(nOut * B)) << 2)
  for (let p = y; p < end; p += 16) v128.store(p, tanh(v128.load(p)))
}

/** dX = Wᵀ dZ, times the derivative of the tanh that made A (nIn, B). */
export function backwardInput(
  w: usize, dz: usize, a: usize, dx: usize, nOut: i32, nIn: i32, B: i32,
): void {
  for (let i = 0; i < nIn; i += 4) {
    product(w + ((<usize>i) << 2), 4, (<usize>nIn) << 2, 0, dz, dx + ((<usize>(i * B)) << 2), nOut, B)
  }
  const n = (<usize>(nIn * B)) << 2
  const one = f32x4.splat(1)
  for (let p: usize = 0; p < n; p += 16) {
    const value = v128.load(a + p)
    const slope = f32x4.sub(one, f32x4.mul(value, value))
    v128.store(dx + p, f32x4.mul(v128.load(dx + p), slope))
  }
}

/** dW = dZ Xᵀ, db = row sums of dZ; both summed over the batch. */
export function backwardWeights(dz: usize, x: usize, dw: usize, db: usize, nOut: i32, nIn: i32, B: i32): void {
  const stride = (<usize>B) << 2
  const rowBytes = (<usize>nIn) << 2
  for (let o = 0; o < nOut; o += 4) {
    const z = dz + (<usize>o) * stride
    const out = dw + (<usize>o) * rowBytes
    for (let i = 0; i < nIn; i += 2) {
      const xi = x + (<usize>i) * stride
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00
      for (let p: usize = 0; p < stride; p += 16) {
        const x0 = v128.load(xi + p)
        const x1 = v128.load(xi + p + stride)
        const z0 = v128.load(z + p)
        s00 = f32x4.add(s00, f32x4.mul(z0, x0))
        s01 = f32x4.add(s01, f32x4.mul(z0, x1))
        const z1 = v128.load(z + p + stride)
        s10 = f32x4.add(s10, f32x4.mul(z1, x0))
        s11 = f32x4.add(s11, f32x4.mul(z1, x1))
        const z2 = v128.load(z + p + 2 * stride)
        s20 = f32x4.add(s20, f32x4.mul(z2, x0))
        s21 = f32x4.add(s21, f32x4.mul(z2, x1))
        const z3 = v128.load(z + p + 3 * stride)
        s30 = f32x4.add(s30, f32x4.mul(z3, x0))
        s31 = f32x4.add(s31, f32x4.mul(z3, x1))
      }
      const at = out + ((<usize>i) << 2)
      store<f32>(at, sum(s00))
      store<f32>(at, sum(s01), 4)
      store<f32>(at + rowBytes, sum(s10))
      store<f32>(at + rowBytes, sum(s11), 4)
      store<f32>(at + 2 * rowBytes, sum(s20))
      store<f32>(at + 2 * rowBytes, sum(s21), 4)
      store<f32>(at + 3 * rowBytes, sum(s30))
      store<f32>(at + 3 * rowBytes, sum(s31), 4)
    }
  }
  for (let o = 0; o < nOut; o++) {
    let s = f32x4.splat(0)
    const z = dz + (<usize>o) * stride
    for (let p: usize = 0; p < stride; p += 16) s = f32x4.add(s, v128.load(z + p))
    store<f32>(db + ((<usize>o) << 2), sum(s))
  }
}

/** dZ = scale (Y - X) over n values; returns the sum of (Y - X)². */
export function squaredError(y: usize, x: usize, dz: usize, n: i32, scale: f32): f64 {
  const bytes = (<usize>n) << 2
  const factor = f32x4.splat(scale)
  let low = f64x2.splat(0)
  let high = low
  for (let p: usize = 0; p < bytes; p += 16) {
    const e = f32x4.sub(v128.load(y + p), v128.load(x + p))
    v128.store(dz + p, f32x4.mul(e, factor))
    const square = f32x4.mul(e, e)
    low = f64x2.add(low, f64x2.promote_low_f32x4(square))
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(square, square, 1, 0)))
  }
  const both = f64x2.add(low, high)
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
}

/**
 * One step of Adam (Kingma & Ba 2015, algorithm 1) on n parameters.
 *
 * @param rate learning rate over 1 - beta1^t
 * @param correction 1 / sqrt(1 - beta2^t)
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, n: i32, rate: f32, correction: f32, beta1: f32, beta2: f32, epsilon: f32,
): void {
  const bytes = (<usize>n) << 2
  const b1 = f32x4.splat(beta1), c1 = f32x4.splat(1 - beta1)
  const b2 = f32x4.splat(beta2), c2 = f32x4.splat(1 - beta2)
  const r = f32x4.splat(rate), c = f32x4.splat(correction), e = f32x4.splat(epsilon)
  for (let i: usize = 0; i < bytes; i += 16) {
    const gradient = v128.load(g + i)
    const mean = f32x4.add(f32x4.mul(b1, v128.load(m + i)), f32x4.mul(c1, gradient))
    const square = f32x4.add(f32x4.mul(b2, v128.load(v + i)), f32x4.mul(c2, f32x4.mul(gradient, gradient)))
    v128.store(m + i, mean)
    v128.store(v + i, square)
    const step = f32x4.div(f32x4.mul(r, mean), f32x4.add(f32x4.mul(f32x4.sqrt(square), c), e))
    v128.store(p + i, f32x4.sub(v128.load(p + i), step))
  }
}

/** Four rows of Y = M X (+ bias): entry (o, i) of M lies at m + o rowBytes + i columnBytes. */
// @ts-ignore: decorator
@inline
function product(
  m: usize, rowBytes: usize, columnBytes: usize, bias: usize, x: usize, y: usize, nIn: i32, B: i32,
): void {
  const stride = (<usize>B) << 2
  const zero = f32x4.splat(0)
  const b0 = bias ? v128.load32_splat(bias) : zero
  const b1 = bias ? v128.load32_splat(bias + 4) : zero
  const b2 = bias ? v128.load32_splat(bias + 8) : zero
  const b3 = bias ? v128.load32_splat(bias + 12) : zero
  for (let p: usize = 0; p < stride; p += 32) {
    let s00 = b0, s01 = b0, s10 = b1, s11 = b1, s20 = b2, s21 = b2, s30 = b3, s31 = b3
    let xi = x + p
    let mi = m
    for (let i = 0; i < nIn; i++) {
      const x0 = v128.load(xi)
      const x1 = v128.load(xi, 16)
      const m0 = v128.load32_splat(mi)
      s00 = f32x4.add(s00, f32x4.mul(m0, x0))
      s01 = f32x4.add(s01, f32x4.mul(m0, x1))
      const m1 = v128.load32_splat(mi + rowBytes)
      s10 = f32x4.add(s10, f32x4.mul(m1, x0))
      s11 = f32x4.add(s11, f32x4.mul(m1, x1))
      const m2 = v128.load32_splat(mi + 2 * rowBytes)
      s20 = f32x4.add(s20, f32x4.mul(m2, x0))
      s21 = f32x4.add(s21, f32x4.mul(m2, x1))
      const m3 = v128.load32_splat(mi + 3 * rowBytes)
      s30 = f32x4.add(s30, f32x4.mul(m3, x0))
      s31 = f32x4.add(s31, f32x4.mul(m3, x1))
      xi += stride
      mi += columnBytes
    }
    const at = y + p
    v128.store(at, s00)
    v128.store(at, s01, 16)
    v128.store(at + stride, s10)
    v128.store(at + stride, s11, 16)
    v128.store(at + 2 * stride, s20)
    v128.store(at + 2 * stride, s21, 16)
    v128.store(at + 3 * stride, s30)
    v128.store(at + 3 * stride, s31, 16)
  }
}

/**
 * tanh x = 1 - 2 / (e^2x + 1), absolute error below 3e-7. e^y = 2^n e^r with n = round(y log2 e), |r| at
 * most ln 2 / 2, by the series of e^r to r^6.
 */
// @ts-ignore: decorator
@inline
function tanh(x: v128): v128 {
  const one = f32x4.splat(1)
  const doubled = f32x4.add(x, x)
  const y = f32x4.max(f32x4.splat(-20), f32x4.min(f32x4.splat(20), doubled))
  const n = f32x4.nearest(f32x4.mul(y, f32x4.splat(1.4426950408889634)))
  const r = f32x4.sub(y, f32x4.mul(n, f32x4.splat(0.6931471805599453)))
  let e = f32x4.add(f32x4.splat(1.0 / 120.0), f32x4.mul(r, f32x4.splat(1.0 / 720.0)))
  e = f32x4.add(f32x4.splat(1.0 / 24.0), f32x4.mul(r, e))
  e = f32x4.add(f32x4.splat(1.0 / 6.0), f32x4.mul(r, e))
  e = f32x4.add(f32x4.splat(0.5), f32x4.mul(r, e))
  e = f32x4.add(one, f32x4.mul(r, e))
  e = f32x4.add(one, f32x4.mul(r, e))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(f32x4.mul(e, power), one)))
}

// @ts-ignore: decorator
@inline
function sum(s: v128): f32 {
  return (f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1)) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3))
}
