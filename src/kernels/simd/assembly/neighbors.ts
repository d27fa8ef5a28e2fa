/**
 * Exact Euclidean nearest neighbours between tiles of rows. A tile is TILE rows that lie close together
 * and the box around them: a tile of queries visits the tiles of reference rows from the nearest box on
 * and stops where no box can hold a closer row. Inside, squared distances of 4 queries to 8 rows are
 * summed at once, feature by feature in order, so that the distance of two rows has the same bits
 * wherever it is computed. Equal distances are ordered by row number: the result is unique.
 *
 * Where float32 is fine enough for the tiles at hand, |x - y|² is first bounded from below by way of
 * |x|² / 2 - x y, which takes a third of the work, and only the rows that pass are compared exactly. This
 * bound alone uses relaxed SIMD: whether a machine fuses multiplication and addition changes the bound
 * within its margin but never the result.
 * All arguments that name arrays are byte addresses; rows are float32.
 */

const TILE: i32 = 64
const NONE: u32 = 0xffffffff
/** Half the distance of two float32 numbers at 1. */
const UNIT_ROUNDOFF: f32 = 5.9604645e-8

/**
 * Turns rows (row-major) into tiles of 8-row blocks stored feature by feature, and finds their boxes.
 * Rows beyond n in the last tile are 0 and infinitely far.
 *
 * @param packed d * TILE values a tile
 * @param boxes (boxBytes) a tile
 * @param halves half the square of each row, TILE values a tile
 */
export function pack(rows: usize, n: i32, d: i32, packed: usize, boxes: usize, halves: usize): void {
  for (let i = 0; i < n; i++) {
    const to = packed + (<usize>((i >> 3) * d * 8 + (i & 7)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 5), load<f32>(rows + (<usize>(i * d + j) << 2)))
    store<f32>(halves + (<usize>i << 2), square(rows + (<usize>(i * d) << 2), d) * 0.5)
  }
  const end = (n + TILE - 1) / TILE * TILE
  for (let i = n; i < end; i++) {
    const to = packed + (<usize>((i >> 3) * d * 8 + (i & 7)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 5), 0)
    store<f32>(halves + (<usize>i << 2), Infinity)
  }
  for (let first = 0; first < n; first += TILE) {
    box(rows + (<usize>(first * d) << 2), min(TILE, n - first), d, boxes + <usize>(first / TILE) * boxBytes(d))
  }
}

/** Bytes of a box: d lows, d highs, each padded with 0 to a multiple of 4 values, and the longest row's square. */
export function boxBytes(d: i32): usize {
  return (<usize>((d + 3) & ~3) << 3) + 16
}

/** Bound on the relative error of a sum of d + 4 products (Higham 2002, section 3.1), twofold. */
function rounding(d: i32): f32 {
  const terms: i32 = 2 * (d + 4)
  return <f32>terms * UNIT_ROUNDOFF
}

/** Sum of the squares of d values. */
function square(row: usize, d: i32): f32 {
  let sum: f32 = 0
  for (let j = 0; j < d; j++) {
    const value = load<f32>(row + (<usize>j << 2))
    sum += value * value
  }
  return sum
}

/** The box of n rows. */
function box(rows: usize, n: i32, d: i32, out: usize): void {
  const padded = (d + 3) & ~3
  let longest: f32 = 0
  for (let i = 0; i < n; i++) longest = max(longest, square(rows + (<usize>(i * d) << 2), d))
  for (let j = 0; j < padded; j++) {
    let low: f32 = 0
    let high: f32 = 0
    for (let i = 0; i < n && j < d; i++) {
      const value = load<f32>(rows + (<usize>(i * d + j) << 2))
      low = i == 0 ? value : min(low, value)
      high = i == 0 ? value : max(high, value)
    }
    store<f32>(out + (<usize>j << 2), low)
    store<f32>(out + (<usize>(padded + j) << 2), high)
  }
  store<f32>(out + (<usize>padded << 3), longest)
}

/**
 * The k nearest of n packed rows for each of nQueries <= TILE queries.
 *
 * @param queries (nQueries, d) row-major
 * @param self number of the row that query 0 is and that is not its own neighbour (query i is row self + i),
 *             or -1
 * @param distances (TILE, k) squared distances out, ascending; +inf where there are less than k rows
 * @param indices (TILE, k) row numbers out
 * @param scratch 8 bytes a tile, a box, TILE (d + 3) values
 * @returns how many tiles were compared
 */
export function nearest(
  queries: usize, nQueries: i32, self: i32, packed: usize, boxes: usize, halves: usize, n: i32,
  d: i32, k: i32, distances: usize, indices: usize, scratch: usize,
): i32 {
  const nTiles = (n + TILE - 1) / TILE
  const heap = scratch
  const queryBox = scratch + (<usize>nTiles << 3)
  const worst = queryBox + boxBytes(d)
  const squares = worst + (<usize>TILE << 2)
  const limits = squares + (<usize>TILE << 2)
  const fours = limits + (<usize>TILE << 2)
  box(queries, nQueries, d, queryBox)
  for (let i = 0; i < nQueries; i++) {
    const to = fours + (<usize>((i >> 2) * d * 4 + (i & 3)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 4), load<f32>(queries + (<usize>(i * d + j) << 2)))
    store<f32>(squares + (<usize>i << 2), square(queries + (<usize>(i * d) << 2), d))
  }
  const longestAt = <usize>((d + 3) & ~3) << 3
  const longest = load<f32>(queryBox + longestAt)
  for (let i = 0; i < nQueries * k; i++) {
    store<f32>(distances + (<usize>i << 2), Infinity)
    store<u32>(indices + (<usize>i << 2), NONE)
  }
  for (let i = 0; i < TILE; i++) store<f32>(worst + (<usize>i << 2), i < nQueries ? <f32>Infinity : <f32>-1)

  // Squared distances are not negative, so their bits sort like the numbers.
  for (let t = 0; t < nTiles; t++) {
    const gap = boxGap(queryBox, boxes + <usize>t * boxBytes(d), d)
    store<u64>(heap + (<usize>t << 3), (<u64>reinterpret<u32>(gap) << 32) | <u64>t)
  }
  for (let i = nTiles / 2 - 1; i >= 0; i--) sink(heap, i, nTiles)

  let compared = 0
  for (let left = nTiles; left > 0; left--) {
    const top = load<u64>(heap)
    // The sums' rounding is well within the factor.
    if (reinterpret<f32>(<u32>(top >> 32)) * <f32>0.9999 > largest(worst)) break
    store<u64>(heap, load<u64>(heap + (<usize>(left - 1) << 3)))
    sink(heap, 0, left - 1)
    const tile = <i32>(<u32>top)
    const rows = packed + (<usize>(tile * TILE * d) << 2)
    const nRows = min(TILE, n - tile * TILE)
    // How far |x|² / 2 - x y may be off.
    const error = rounding(d) * (load<f32>(boxes + <usize>tile * boxBytes(d) + longestAt) + longest)
    if (error < <f32>0.01 * smallest(worst) && largest(worst) < Infinity) {
      filterTile(
        fours, nQueries, self, rows, halves + (<usize>(tile * TILE) << 2), error, tile * TILE,
        nRows, d, k, distances, indices, worst, squares, limits,
      )
    } else {
      compareTile(fours, nQueries, self, rows, tile * TILE, nRows, d, k, distances, indices, worst)
    }
    compared++
  }
  return compared
}

/** Squared distance between two boxes. */
function boxGap(a: usize, b: usize, d: i32): f32 {
  let sum = f32x4.splat(0)
  const zero = sum
  const high = <usize>((d + 3) & ~3) << 2
  for (let j: usize = 0; j < high; j += 16) {
    const above = f32x4.sub(v128.load(b + j), v128.load(a + high + j))
    const below = f32x4.sub(v128.load(a + j), v128.load(b + high + j))
    const gap = f32x4.max(f32x4.max(above, below), zero)
    sum = f32x4.add(sum, f32x4.mul(gap, gap))
  }
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3)
  )
}

/** The largest k-th distance of the tile's queries. */
// @ts-ignore: decorator
@inline
function largest(worst: usize): f32 {
  let m = v128.load(worst)
  for (let p: usize = 16; p < (<usize>TILE << 2); p += 16) m = f32x4.max(m, v128.load(worst + p))
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  )
}

/** The smallest k-th distance of the tile's queries; places without a query hold -1. */
// @ts-ignore: decorator
@inline
function smallest(worst: usize): f32 {
  const none = f32x4.splat(Infinity)
  const zero = f32x4.splat(0)
  let m = none
  for (let p: usize = 0; p < (<usize>TILE << 2); p += 16) {
    const values = v128.load(worst + p)
    m = f32x4.min(m, v128.bitselect(none, values, f32x4.lt(values, zero)))
  }
  return min(
    min(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    min(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  )
}

/** Restores the heap of n keys, smallest first, below place i. */
function sink(heap: usize, i: i32, n: i32): void {
  const key = load<u64>(heap + (<usize>i << 3))
  for (;;) {
    let child = 2 * i + 1
    if (child >= n) break
    let below = load<u64>(heap + (<usize>child << 3))
    if (child + 1 < n) {
      const right = load<u64>(heap + (<usize>(child + 1) << 3))
      if (right < below) {
        below = right
        child++
      }
    }
    if (key <= below) break
    store<u64>(heap + (<usize>i << 3), below)
    i = child
  }
  store<u64>(heap + (<usize>i << 3), key)
}

/** As compareTile, where |x|² / 2 - x y is known to be off by `error` at most. */
function filterTile(
  queries: usize, nQueries: i32, self: i32, tile: usize, halves: usize, error: f32, firstRow: i32, nRows: i32,
  d: i32, k: i32, distances: usize, indices: usize, worst: usize, squares: usize, limits: usize,
): void {
  const blockBytes = <usize>d << 5
  const half = f32x4.splat(0.5)
  // The exact distance is rounded too, hence the factor.
  const widened = f32x4.splat(<f32>1 + rounding(d))
  const slack = f32x4.splat(error)
  for (let p: usize = 0; p < (<usize>nQueries << 2); p += 16) {
    const room = f32x4.sub(f32x4.mul(v128.load(worst + p), widened), v128.load(squares + p))
    v128.store(limits + p, f32x4.add(f32x4.mul(room, half), slack))
  }
  for (let r = 0; r < nRows; r += 8) {
    const end = tile + blockBytes
    const h0 = v128.load(halves + (<usize>r << 2))
    const h1 = v128.load(halves + (<usize>r << 2), 16)
    for (let q = 0; q < nQueries; q += 4) {
      const first4 = queries + (<usize>(q * d) << 2)
      let y4 = first4
      let s00 = h0, s01 = h1, s10 = h0, s11 = h1, s20 = h0, s21 = h1, s30 = h0, s31 = h1
      for (let p = tile; p < end; p += 32) {
        const x0 = v128.load(p)
        const x1 = v128.load(p, 16)
        let y = v128.load32_splat(y4)
        s00 = f32x4.relaxed_nmadd(x0, y, s00)
        s01 = f32x4.relaxed_nmadd(x1, y, s01)
        y = v128.load32_splat(y4, 4)
        s10 = f32x4.relaxed_nmadd(x0, y, s10)
        s11 = f32x4.relaxed_nmadd(x1, y, s11)
        y = v128.load32_splat(y4, 8)
        s20 = f32x4.relaxed_nmadd(x0, y, s20)
        s21 = f32x4.relaxed_nmadd(x1, y, s21)
        y = v128.load32_splat(y4, 12)
        s30 = f32x4.relaxed_nmadd(x0, y, s30)
        s31 = f32x4.relaxed_nmadd(x1, y, s31)
        y4 += 16
      }
      const limit = limits + (<usize>q << 2)
      const w0 = v128.load32_splat(limit)
      const w1 = v128.load32_splat(limit, 4)
      const w2 = v128.load32_splat(limit, 8)
      const w3 = v128.load32_splat(limit, 12)
      const near0 = f32x4.le(f32x4.min(s00, s01), w0)
      const near1 = f32x4.le(f32x4.min(s10, s11), w1)
      const near2 = f32x4.le(f32x4.min(s20, s21), w2)
      const near3 = f32x4.le(f32x4.min(s30, s31), w3)
      if (v128.any_true(v128.or(v128.or(near0, near1), v128.or(near2, near3)))) {
        const rows = min(8, nRows - r)
        const first = firstRow + r
        if (v128.any_true(near0)) keepExact(tile, end, first4, rows, first, self, q, nQueries, k, distances, indices, worst)
        if (v128.any_true(near1)) keepExact(tile, end, first4 + 4, rows, first, self, q + 1, nQueries, k, distances, indices, worst)
        if (v128.any_true(near2)) keepExact(tile, end, first4 + 8, rows, first, self, q + 2, nQueries, k, distances, indices, worst)
        if (v128.any_true(near3)) keepExact(tile, end, first4 + 12, rows, first, self, q + 3, nQueries, k, distances, indices, worst)
      }
    }
    tile = end
  }
}

/** Compares one query exactly with the 8 rows of a block. */
function keepExact(
  block: usize, end: usize, y4: usize, rows: i32, first: i32, self: i32, q: i32, nQueries: i32, k: i32,
  distances: usize, indices: usize, worst: usize,
): void {
  if (q >= nQueries) return
  let s0 = f32x4.splat(0), s1 = s0
  for (let p = block; p < end; p += 32) {
    const y = v128.load32_splat(y4)
    const e0 = f32x4.sub(v128.load(p), y)
    s0 = f32x4.add(s0, f32x4.mul(e0, e0))
    const e1 = f32x4.sub(v128.load(p, 16), y)
    s1 = f32x4.add(s1, f32x4.mul(e1, e1))
    y4 += 16
  }
  keep(s0, s1, rows, first, self < 0 ? -1 : self + q, q, k, distances, indices, worst)
}

function compareTile(
  queries: usize, nQueries: i32, self: i32, tile: usize, firstRow: i32, nRows: i32, d: i32, k: i32,
  distances: usize, indices: usize, worst: usize,
): void {
  const blockBytes = <usize>d << 5
  for (let r = 0; r < nRows; r += 8) {
    const end = tile + blockBytes
    for (let q = 0; q < nQueries; q += 4) {
      let y4 = queries + (<usize>(q * d) << 2)
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00
      for (let p = tile; p < end; p += 32) {
        const x0 = v128.load(p)
        const x1 = v128.load(p, 16)
        let y = v128.load32_splat(y4)
        let e = f32x4.sub(x0, y)
        s00 = f32x4.add(s00, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s01 = f32x4.add(s01, f32x4.mul(e, e))
        y = v128.load32_splat(y4, 4)
        e = f32x4.sub(x0, y)
        s10 = f32x4.add(s10, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s11 = f32x4.add(s11, f32x4.mul(e, e))
        y = v128.load32_splat(y4, 8)
        e = f32x4.sub(x0, y)
        s20 = f32x4.add(s20, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s21 = f32x4.add(s21, f32x4.mul(e, e))
        y = v128.load32_splat(y4, 12)
        e = f32x4.sub(x0, y)
        s30 = f32x4.add(s30, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s31 = f32x4.add(s31, f32x4.mul(e, e))
        y4 += 16
      }
      const limits = v128.load(worst + (<usize>q << 2))
      const w0 = v128.shuffle<i32>(limits, limits, 0, 0, 0, 0)
      const w1 = v128.shuffle<i32>(limits, limits, 1, 1, 1, 1)
      const w2 = v128.shuffle<i32>(limits, limits, 2, 2, 2, 2)
      const w3 = v128.shuffle<i32>(limits, limits, 3, 3, 3, 3)
      const near0 = v128.or(f32x4.le(s00, w0), f32x4.le(s01, w0))
      const near1 = v128.or(f32x4.le(s10, w1), f32x4.le(s11, w1))
      const near2 = v128.or(f32x4.le(s20, w2), f32x4.le(s21, w2))
      const near3 = v128.or(f32x4.le(s30, w3), f32x4.le(s31, w3))
      if (v128.any_true(v128.or(v128.or(near0, near1), v128.or(near2, near3)))) {
        const rows = min(8, nRows - r)
        const first = firstRow + r
        const own = self < 0 ? -1 : self + q
        if (v128.any_true(near0)) keep(s00, s01, rows, first, own, q, k, distances, indices, worst)
        if (v128.any_true(near1)) keep(s10, s11, rows, first, own + <i32>(own >= 0), q + 1, k, distances, indices, worst)
        if (v128.any_true(near2)) keep(s20, s21, rows, first, own < 0 ? own : own + 2, q + 2, k, distances, indices, worst)
        if (v128.any_true(near3)) keep(s30, s31, rows, first, own < 0 ? own : own + 3, q + 3, k, distances, indices, worst)
      }
    }
    tile = end
  }
}

/** Puts those of 8 rows that are near enough among the k nearest of query q. */
function keep(
  s0: v128, s1: v128, rows: i32, first: i32, own: i32, q: i32, k: i32, distances: usize, indices: usize, worst: usize,
): void {
  const limit = worst + (<usize>q << 2)
  const splat = v128.load32_splat(limit)
  let mask = i32x4.bitmask(f32x4.le(s0, splat)) | (i32x4.bitmask(f32x4.le(s1, splat)) << 4)
  mask &= (1 << rows) - 1
  const base = <usize>(q * k) << 2
  const d = distances + base
  const ix = indices + base
  const last = <usize>(k - 1) << 2
  while (mask != 0) {
    const lane = ctz(mask)
    mask &= mask - 1
    const id = <u32>(first + lane)
    if (<i32>id == own) continue
    const value = lane < 4 ? laneOf(s0, lane) : laneOf(s1, lane - 4)
    const worstValue = load<f32>(d + last)
    if (value > worstValue || (value == worstValue && id > load<u32>(ix + last))) continue
    let at = last
    while (at > 0) {
      const before = load<f32>(d + at - 4)
      if (before < value || (before == value && load<u32>(ix + at - 4) < id)) break
      store<f32>(d + at, before)
      store<u32>(ix + at, load<u32>(ix + at - 4))
      at -= 4
    }
    store<f32>(d + at, value)
    store<u32>(ix + at, id)
  }
  store<f32>(limit, load<f32>(d + last))
}

// @ts-ignore: decorator
@inline
function laneOf(v: v128, lane: i32): f32 {
  if (lane == 0) return f32x4.extract_lane(v, 0)
  if (lane == 1) return f32x4.extract_lane(v, 1)
  if (lane == 2) return f32x4.extract_lane(v, 2)
  return f32x4.extract_lane(v, 3)
}
