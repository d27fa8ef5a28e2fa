/**
 * Exact Euclidean nearest neighbours between tiles of rows. A tile is TILE rows that lie close together
 * and the box around them: a tile of queries visits the tiles of reference rows from the nearest box on
 * and stops where no box can hold a closer row. Inside, squared distances of 4 queries to 8 rows are
 * summed at once, feature by feature in order, so that the distance of two rows has the same bits
 * wherever it is computed. Equal distances are ordered by row number: the result is unique.
 * All arguments that name arrays are byte addresses; rows are float32.
 */

const TILE: i32 = 32
const NONE: u32 = 0xffffffff

/**
 * Turns rows (row-major) into tiles of 8-row blocks stored feature by feature, and finds their boxes.
 * Rows beyond n in the last tile are left 0; nobody looks at their distances.
 *
 * @param packed d * TILE values a tile
 * @param boxes lows then highs of each tile, 2 d values
 */
export function pack(rows: usize, n: i32, d: i32, packed: usize, boxes: usize): void {
  for (let i = 0; i < n; i++) {
    const to = packed + (<usize>((i >> 3) * d * 8 + (i & 7)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 5), load<f32>(rows + (<usize>(i * d + j) << 2)))
  }
  for (let first = 0; first < n; first += TILE) {
    box(rows + (<usize>(first * d) << 2), min(TILE, n - first), d, boxes + (<usize>((first / TILE) * 2 * d) << 2))
  }
}

/** Lows then highs of n rows. */
function box(rows: usize, n: i32, d: i32, out: usize): void {
  for (let j = 0; j < d; j++) {
    let low = load<f32>(rows + (<usize>j << 2))
    let high = low
    for (let i = 1; i < n; i++) {
      const value = load<f32>(rows + (<usize>(i * d + j) << 2))
      low = min(low, value)
      high = max(high, value)
    }
    store<f32>(out + (<usize>j << 2), low)
    store<f32>(out + (<usize>(d + j) << 2), high)
  }
}

/**
 * The k nearest of n packed rows for each of nQueries <= TILE queries.
 *
 * @param queries (TILE, d) row-major, multiples of 4 rows readable
 * @param self number of the row that query 0 is and that is not its own neighbour (query i is row self + i),
 *             or -1
 * @param distances (TILE, k) squared distances out, ascending; +inf where there are less than k rows
 * @param indices (TILE, k) row numbers out
 * @param scratch 8 bytes a tile, 2 d + TILE values
 * @returns how many tiles were compared
 */
export function nearest(
  queries: usize, nQueries: i32, self: i32, packed: usize, boxes: usize, n: i32, d: i32, k: i32,
  distances: usize, indices: usize, scratch: usize,
): i32 {
  const nTiles = (n + TILE - 1) / TILE
  const heap = scratch
  const queryBox = scratch + (<usize>nTiles << 3)
  const worst = queryBox + (<usize>((2 * d + 3) & ~3) << 2)
  box(queries, nQueries, d, queryBox)
  for (let i = 0; i < nQueries * k; i++) {
    store<f32>(distances + (<usize>i << 2), Infinity)
    store<u32>(indices + (<usize>i << 2), NONE)
  }
  for (let i = 0; i < TILE; i++) store<f32>(worst + (<usize>i << 2), i < nQueries ? <f32>Infinity : <f32>-1)

  // Squared distances are not negative, so their bits sort like the numbers.
  for (let t = 0; t < nTiles; t++) {
    const gap = boxGap(queryBox, boxes + (<usize>(t * 2 * d) << 2), d)
    store<u64>(heap + (<usize>t << 3), (<u64>reinterpret<u32>(gap) << 32) | <u64>t)
  }
  for (let i = nTiles / 2 - 1; i >= 0; i--) sink(heap, i, nTiles)

  let compared = 0
  for (let left = nTiles; left > 0; left--) {
    const top = load<u64>(heap)
    // Rounding of either sum is far below a millionth times the number of features.
    const gap = reinterpret<f32>(<u32>(top >> 32)) * <f32>0.9999
    if (gap > farthest(worst)) break
    store<u64>(heap, load<u64>(heap + (<usize>(left - 1) << 3)))
    sink(heap, 0, left - 1)
    const tile = <i32>(<u32>top)
    compareTile(
      queries, nQueries, self, packed + (<usize>(tile * TILE * d) << 2), tile * TILE,
      min(TILE, n - tile * TILE), d, k, distances, indices, worst,
    )
    compared++
  }
  return compared
}

/** Squared distance between two boxes. */
function boxGap(a: usize, b: usize, d: i32): f32 {
  let sum: f32 = 0
  const high = <usize>d << 2
  for (let j: usize = 0; j < high; j += 4) {
    const gap = max(max(load<f32>(b + j) - load<f32>(a + high + j), load<f32>(a + j) - load<f32>(b + high + j)), <f32>0)
    sum += gap * gap
  }
  return sum
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

/** The largest k-th distance of the tile's queries. */
// @ts-ignore: decorator
@inline
function farthest(worst: usize): f32 {
  let m = v128.load(worst)
  for (let p: usize = 16; p < (<usize>TILE << 2); p += 16) m = f32x4.max(m, v128.load(worst + p))
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  )
}

function compareTile(
  queries: usize, nQueries: i32, self: i32, tile: usize, firstRow: i32, nRows: i32, d: i32, k: i32,
  distances: usize, indices: usize, worst: usize,
): void {
  const row = <usize>d << 2
  const blockBytes = <usize>d << 5
  for (let r = 0; r < nRows; r += 8) {
    const end = tile + blockBytes
    for (let q = 0; q < nQueries; q += 4) {
      let q0 = queries + <usize>q * row
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00
      for (let p = tile; p < end; p += 32) {
        const x0 = v128.load(p)
        const x1 = v128.load(p, 16)
        let y = v128.load32_splat(q0)
        let e = f32x4.sub(x0, y)
        s00 = f32x4.add(s00, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s01 = f32x4.add(s01, f32x4.mul(e, e))
        y = v128.load32_splat(q0 + row)
        e = f32x4.sub(x0, y)
        s10 = f32x4.add(s10, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s11 = f32x4.add(s11, f32x4.mul(e, e))
        y = v128.load32_splat(q0 + 2 * row)
        e = f32x4.sub(x0, y)
        s20 = f32x4.add(s20, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s21 = f32x4.add(s21, f32x4.mul(e, e))
        y = v128.load32_splat(q0 + 3 * row)
        e = f32x4.sub(x0, y)
        s30 = f32x4.add(s30, f32x4.mul(e, e))
        e = f32x4.sub(x1, y)
        s31 = f32x4.add(s31, f32x4.mul(e, e))
        q0 += 4
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
