/**
 * Exact Euclidean nearest neighbours between tiles of rows. A tile is TILE rows that lie close together
 * and the box around them: a tile of queries visits the tiles of reference rows from the nearest mean on
 * and leaves out those whose box can hold no closer row. The squared distance of two rows is summed feature
 * by feature in order, so that it has the same bits wherever it is computed. Equal distances are ordered by
 * row number: the result is unique.
 *
 * A pair of tiles is compared in one of three ways. The first two only rule out most pairs of rows, by a
 * bound with a margin for what it may be off; the rest is compared exactly.
 * - `screenTile` counts in whole steps, two bytes of which make one lane of a product. By the triangle
 *   inequality two rows are no closer than their rounded places less the two roundings. Serves where
 *   distances are many roundings long.
 * - `boundTile` bounds |x - y|² from below by way of |x|² / 2 - x y in float32. Serves where rows lie
 *   closer than that, but not so close that this difference cancels.
 * - `compareTile` takes the differences themselves.
 * The bounds alone use relaxed SIMD: whether a machine fuses multiplication and addition changes a bound
 * within its margin but never the result.
 * All arguments that name arrays are byte addresses; rows are float32.
 */

const TILE: i32 = 64
const NONE: u32 = 0xffffffff
/** Half the distance of two float32 numbers at 1. */
const UNIT_ROUNDOFF: f32 = 5.9604645e-8

/** More than sums of squares lose where these are too small for float32's precision. */
const TINY: f32 = 1e-40

/** Rows in whole steps are at most so long, queries half of it: what a product comes to fits in 16 bits. */
const LONGEST: i32 = 255
/** Subtracted from sums so that they use negative numbers too. */
const OFFSET: i32 = (LONGEST * LONGEST) >> 2
/** Added to the bytes of queries, which may not be negative. */
const RAISED: i32 = 64
/** Pairs of a tile that may pass the bytes before they are no gain. */
const MOST_PASSED: i32 = (TILE * TILE) / 16
/** Distances are worth looking at in bytes from so many times the rounding of a row on. */
const WORTH: f64 = 24
/** Tiles visited before those out of reach are dropped as a whole. */
const SOUNDED: i32 = 8
/** Rows of a tile that may lie beyond the bytes' range before bytes are of no use for it. */
const MOST_BEYOND: i32 = 2

// What `pack` was given.
let rows: usize = 0
let n: i32 = 0
let d: i32 = 0
let blocks: usize = 0
let boxes: usize = 0
let halves: usize = 0
let bytes: usize = 0
let starts: usize = 0
let centre: usize = 0
let scale: f64 = 0
/** The largest rounding of a row within the bytes' range, in half steps. */
let rowSlack: f64 = 0
/** Squared distances below this are too few steps long for bytes to tell. */
let telling: f32 = 0

// The search under way.
let queries: usize = 0
let nQueries: i32 = 0
let self: i32 = -1
let k: i32 = 0
let distances: usize = 0
let indices: usize = 0
/** (TILE) each query's k-th distance so far, squared; -1 where there is no query. */
let worst: usize = 0
/** (TILE) |y|² of each query. */
let squares: usize = 0
/** (TILE) what `boundTile` compares with. */
let limits: usize = 0
/** Queries feature by feature, in fours. */
let fours: usize = 0
/** Queries in bytes, two features at a time, each repeated over a register. */
let pairs: usize = 0
/** (TILE) registers that `screenTile` compares with. */
let screens: usize = 0
/** (TILE) float64: a query's rounding and a row's together, in half steps. */
let slacks: usize = 0
/** (TILE) float64: |y|² of each query in half steps. */
let lengths: usize = 0
/** (8) squared distances of a block's rows to one query. */
let exact: usize = 0
/** Whether the queries are in bytes. */
let fine: bool = false

/** Bytes that `pack` fills at `blocks`, `boxes`, `halves`, `bytes` and `starts`, and `nearest` at `scratch`. */
export function blocksBytes(n: i32, d: i32): usize {
  return <usize>tiles(n) * TILE * d * 4
}
export function boxesBytes(n: i32, d: i32): usize {
  return <usize>tiles(n) * boxBytes(d)
}
export function bytesBytes(n: i32, d: i32): usize {
  return <usize>tiles(n) * TILE * ((d + 1) & ~1)
}
export function scratchBytes(n: i32, d: i32): usize {
  return (<usize>tiles(n) << 3) + boxBytes(d) + <usize>TILE * (d * 4 + 3 * 4 + ((d + 1) >> 1) * 16 + 16 + 16) + 32
}

// @ts-ignore: decorator
@inline
function tiles(n: i32): i32 {
  return (n + TILE - 1) / TILE
}

/**
 * Bytes of a box: d lows, d highs, d means, each padded with 0 to a multiple of 4 values, the longest row's
 * square, and how many rows lie beyond the bytes' range.
 */
function boxBytes(d: i32): usize {
  return <usize>((d + 3) & ~3) * 12 + 16
}

/**
 * Turns rows into tiles of 8-row blocks stored feature by feature, and finds their boxes. Rows beyond n in
 * the last tile are 0 and infinitely far. What is given stays in use until the next `pack`.
 *
 * @param rowsAt (nRows, width) row-major
 * @param blocksAt width * TILE values a tile
 * @param boxesAt a box a tile
 * @param halvesAt half the square of each row, TILE values a tile
 * @param bytesAt rows in whole steps, blocks of 16 rows stored two features at a time
 * @param startsAt (TILE) 16-bit numbers a tile, what the sums of `screenTile` start from
 * @param centreAt (width) float32, the place that steps are counted from
 * @param steps steps a unit; 0 does without bytes
 */
export function packInFull(
  rowsAt: usize, nRows: i32, width: i32, blocksAt: usize, boxesAt: usize, halvesAt: usize, bytesAt: usize,
  startsAt: usize, centreAt: usize, steps: f64,
): void {
  rows = rowsAt
  n = nRows
  d = width
  blocks = blocksAt
  boxes = boxesAt
  halves = halvesAt
  bytes = bytesAt
  starts = startsAt
  centre = centreAt
  scale = steps
  for (let i = 0; i < n; i++) {
    const row = rows + (<usize>(i * d) << 2)
    const to = blocks + (<usize>((i >> 3) * d * 8 + (i & 7)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 5), load<f32>(row + (<usize>j << 2)))
    store<f32>(halves + (<usize>i << 2), square(row) * 0.5)
  }
  const end = tiles(n) * TILE
  for (let i = n; i < end; i++) {
    const to = blocks + (<usize>((i >> 3) * d * 8 + (i & 7)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 5), 0)
    store<f32>(halves + (<usize>i << 2), Infinity)
  }
  for (let first = 0; first < n; first += TILE) {
    box(rows + (<usize>(first * d) << 2), min(TILE, n - first), boxes + <usize>(first / TILE) * boxBytes(d))
  }
  if (scale > 0) packBytes()
}

/**
 * With X = (x - centre) * scale and Y = (y - centre) * scale / 2 rounded, |x - y| is |X / 2 - Y| half steps,
 * give or take the roundings, and its square is |X|² / 4 - X Y + |Y|².
 */
function packBytes(): void {
  const end = tiles(n) * TILE
  rowSlack = 0
  memory.fill(bytes, 0, bytesBytes(n, d))
  for (let i = 0; i < end; i++) {
    const start = starts + (<usize>i << 1)
    const row = rows + (<usize>(i * d) << 2)
    const to = bytes + <usize>((i >> 4) * ((d + 1) >> 1)) * 32 + (<usize>(i & 15) << 1)
    let sum = 0
    let squared = 0
    let error: f64 = 0
    let inside = i < n
    for (let j = 0; j < d && inside; j++) {
      const value = (<f64>load<f32>(row + (<usize>j << 2)) - <f64>load<f32>(centre + (<usize>j << 2))) * scale
      const whole = Math.floor(value + 0.5)
      if (!(Math.abs(whole) <= 127)) {
        inside = false
        break
      }
      error += (value - whole) * (value - whole)
      sum += <i32>whole
      squared += <i32>whole * <i32>whole
      store<i8>(to + (<usize>(j >> 1) << 5) + (j & 1), <i8>whole)
    }
    if (inside && squared <= LONGEST * LONGEST) {
      store<i16>(start, <i16>((squared >> 2) + RAISED * sum - OFFSET))
      rowSlack = Math.max(rowSlack, Math.sqrt(error) / 2)
      continue
    }
    // Rows beyond the range always pass, places without a row never.
    for (let j = 0; j < d; j++) store<i8>(to + (<usize>(j >> 1) << 5) + (j & 1), 0)
    store<i16>(start, i < n ? i16.MIN_VALUE : i16.MAX_VALUE)
    if (i < n) {
      const beyond = boxes + <usize>(i / TILE + 1) * boxBytes(d) - 12
      store<i32>(beyond, load<i32>(beyond) + 1)
    }
  }
  const least = (WORTH * rowSlack * 2) / scale
  telling = <f32>(least * least)
}

/** Puts the queries in bytes; false when one of them lies beyond the range. */
function packQueries(): bool {
  const width = (d + 1) >> 1
  memory.fill(pairs, 0, TILE * width * 16)
  for (let q = 0; q < nQueries; q++) {
    const to = pairs + <usize>((q >> 2) * width) * 64 + (<usize>(q & 3) << 4)
    let squared = 0
    let error: f64 = 0
    for (let j = 0; j < d; j++) {
      const at = <usize>j << 2
      const value = (<f64>load<f32>(queries + (<usize>(q * d) << 2) + at) - <f64>load<f32>(centre + at)) * scale * 0.5
      const whole = Math.floor(value + 0.5)
      if (!(Math.abs(whole) < RAISED)) return false
      error += (value - whole) * (value - whole)
      squared += <i32>whole * <i32>whole
      const pair = to + (<usize>(j >> 1) << 6)
      const byte = <i32>whole + RAISED
      v128.store(pair, v128.or(v128.load(pair), i16x8.splat(<i16>(j & 1 ? byte << 8 : byte))))
    }
    if (4 * squared > LONGEST * LONGEST) return false
    store<f64>(slacks + (<usize>q << 3), Math.sqrt(error) + rowSlack + 1e-6)
    store<f64>(lengths + (<usize>q << 3), squared)
  }
  for (let q = 0; q < TILE; q++) v128.store(screens + (<usize>q << 4), i16x8.splat(i16.MIN_VALUE))
  for (let q = 0; q < nQueries; q++) screen(q, load<f32>(worst + (<usize>q << 2)))
  return true
}

/** Bound on the relative error of a sum of d + 4 products (Higham 2002, section 3.1), twofold. */
// @ts-ignore: decorator
@inline
function rounding(): f32 {
  const terms: i32 = 2 * (d + 4)
  return <f32>terms * UNIT_ROUNDOFF
}

/** Sum of the squares of a row's values. */
function square(row: usize): f32 {
  let sum: f32 = 0
  for (let j = 0; j < d; j++) {
    const value = load<f32>(row + (<usize>j << 2))
    sum += value * value
  }
  return sum
}

/** The box of `count` rows. */
function box(from: usize, count: i32, out: usize): void {
  const padded = (d + 3) & ~3
  let longest: f32 = 0
  for (let i = 0; i < count; i++) longest = max(longest, square(from + (<usize>(i * d) << 2)))
  for (let j = 0; j < padded; j++) {
    let low: f32 = 0
    let high: f32 = 0
    let sum: f32 = 0
    for (let i = 0; i < count && j < d; i++) {
      const value = load<f32>(from + (<usize>(i * d + j) << 2))
      low = i == 0 ? value : min(low, value)
      high = i == 0 ? value : max(high, value)
      sum += value
    }
    store<f32>(out + (<usize>j << 2), low)
    store<f32>(out + (<usize>(padded + j) << 2), high)
    store<f32>(out + (<usize>(2 * padded + j) << 2), sum / <f32>count)
  }
  store<f32>(out + <usize>padded * 12, longest)
  store<i32>(out + <usize>padded * 12, 0, 4)
}

/**
 * The neighbours nearest to each of count <= TILE queries among the packed rows.
 *
 * @param queriesAt (count, d) row-major
 * @param selfAt number of the row that query 0 is and that is not its own neighbour (query i is row
 *               selfAt + i), or -1
 * @param wanted how many neighbours
 * @param distancesAt (TILE, wanted) squared distances out, ascending; +inf where there are less rows
 * @param indicesAt (TILE, wanted) row numbers out
 * @param scratch scratchBytes, at a multiple of 16
 * @returns how many tiles were compared
 */
export function nearestInFull(
  queriesAt: usize, count: i32, selfAt: i32, wanted: i32, distancesAt: usize, indicesAt: usize, scratch: usize,
): i32 {
  queries = queriesAt
  nQueries = count
  self = selfAt
  k = wanted
  distances = distancesAt
  indices = indicesAt
  const nTiles = tiles(n)
  pairs = scratch
  screens = pairs + <usize>TILE * ((d + 1) >> 1) * 16
  slacks = screens + (<usize>TILE << 4)
  lengths = slacks + (<usize>TILE << 3)
  const heap = lengths + (<usize>TILE << 3)
  const queryBox = heap + (<usize>nTiles << 3)
  worst = queryBox + boxBytes(d)
  squares = worst + (<usize>TILE << 2)
  limits = squares + (<usize>TILE << 2)
  exact = limits + (<usize>TILE << 2)
  fours = exact + 32
  box(queries, nQueries, queryBox)
  for (let i = 0; i < nQueries; i++) {
    const to = fours + (<usize>((i >> 2) * d * 4 + (i & 3)) << 2)
    for (let j = 0; j < d; j++) store<f32>(to + (<usize>j << 4), load<f32>(queries + (<usize>(i * d + j) << 2)))
    store<f32>(squares + (<usize>i << 2), square(queries + (<usize>(i * d) << 2)))
  }
  const longestAt = <usize>((d + 3) & ~3) * 12
  const longest = load<f32>(queryBox + longestAt)
  for (let i = 0; i < nQueries * k; i++) {
    store<f32>(distances + (<usize>i << 2), Infinity)
    store<u32>(indices + (<usize>i << 2), NONE)
  }
  for (let i = 0; i < TILE; i++) store<f32>(worst + (<usize>i << 2), i < nQueries ? <f32>Infinity : <f32>-1)
  fine = false
  let tried = scale <= 0

  // Squared distances are not negative, so their bits sort like the numbers.
  for (let t = 0; t < nTiles; t++) {
    const away = meansApart(queryBox, boxes + <usize>t * boxBytes(d))
    store<u64>(heap + (<usize>t << 3), (<u64>reinterpret<u32>(away) << 32) | <u64>t)
  }
  heapify(heap, nTiles)

  // Where too many pass bytes are too coarse, maybe only as yet: they sit out 1, 2, 4, … tiles.
  let wait = 0
  let waits = 1
  let compared = 0
  let popped = 0
  let left = nTiles
  while (left > 0) {
    const reach = largest()
    if (popped++ == SOUNDED) {
      const before = left
      left = 0
      for (let i = 0; i < before; i++) {
        const key = load<u64>(heap + (<usize>i << 3))
        if (beyond(queryBox, <i32>(<u32>key), reach)) continue
        store<u64>(heap + (<usize>left << 3), key)
        left++
      }
      if (left == 0) break
      heapify(heap, left)
    }
    const tile = <i32>(<u32>load<u64>(heap))
    left--
    store<u64>(heap, load<u64>(heap + (<usize>left << 3)))
    sink(heap, 0, left)
    if (beyond(queryBox, tile, reach)) continue
    const about = boxes + <usize>tile * boxBytes(d) + longestAt
    compared++
    if (reach > telling && reach < Infinity && load<i32>(about, 4) <= MOST_BEYOND && wait-- <= 0) {
      if (!tried) fine = packQueries()
      tried = true
      if (fine) {
        if (screenTile(tile) > MOST_PASSED) {
          wait = waits
          waits *= 2
        }
        continue
      }
    }
    // How far |x|² / 2 - x y may be off.
    const error = rounding() * (load<f32>(about) + longest)
    if (reach < Infinity && error < <f32>0.01 * smallest()) boundTile(tile, error)
    else compareTile(tile)
  }
  return compared
}

/** Whether no row of a tile can lie within `reach`, a squared distance, of the queries. */
// @ts-ignore: decorator
@inline
function beyond(queryBox: usize, tile: i32, reach: f32): bool {
  // The sums' rounding is well within the factor.
  return boxGap(queryBox, boxes + <usize>tile * boxBytes(d)) * <f32>0.9999 > reach
}

/** Squared distance between the means of two boxes. */
function meansApart(a: usize, b: usize): f32 {
  let sum = f32x4.splat(0)
  const width = <usize>((d + 3) & ~3) << 2
  for (let j: usize = 2 * width; j < 3 * width; j += 16) {
    const e = f32x4.sub(v128.load(a + j), v128.load(b + j))
    sum = f32x4.add(sum, f32x4.mul(e, e))
  }
  return total(sum)
}

/** Squared distance between two boxes. */
function boxGap(a: usize, b: usize): f32 {
  let sum = f32x4.splat(0)
  const zero = sum
  const high = <usize>((d + 3) & ~3) << 2
  for (let j: usize = 0; j < high; j += 16) {
    const above = f32x4.sub(v128.load(b + j), v128.load(a + high + j))
    const below = f32x4.sub(v128.load(a + j), v128.load(b + high + j))
    const gap = f32x4.relaxed_max(f32x4.relaxed_max(above, below), zero)
    sum = f32x4.add(sum, f32x4.mul(gap, gap))
  }
  return total(sum)
}

// @ts-ignore: decorator
@inline
function total(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)
  )
}

/** The largest k-th distance of the tile's queries. */
// @ts-ignore: decorator
@inline
function largest(): f32 {
  let m = v128.load(worst)
  for (let p: usize = 16; p < (<usize>TILE << 2); p += 16) m = f32x4.relaxed_max(m, v128.load(worst + p))
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  )
}

/** The smallest k-th distance of the tile's queries; places without a query hold -1. */
// @ts-ignore: decorator
@inline
function smallest(): f32 {
  const none = f32x4.splat(Infinity)
  const zero = f32x4.splat(0)
  let m = none
  for (let p: usize = 0; p < (<usize>TILE << 2); p += 16) {
    const values = v128.load(worst + p)
    m = f32x4.relaxed_min(m, v128.bitselect(none, values, f32x4.lt(values, zero)))
  }
  return min(
    min(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    min(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  )
}

/** Makes a heap of n keys, smallest first. */
function heapify(heap: usize, n: i32): void {
  for (let i = n / 2 - 1; i >= 0; i--) sink(heap, i, n)
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

/** Compares a tile by bytes; returns how many pairs passed. */
function screenTile(tile: i32): i32 {
  const width = <usize>((d + 1) >> 1)
  let block = bytes + <usize>tile * TILE * 2 * width
  let passed = 0
  for (let r = 0; r < TILE; r += 16) {
    const end = block + (width << 5)
    const start = starts + (<usize>(tile * TILE + r) << 1)
    const h0 = v128.load(start)
    const h1 = v128.load(start, 16)
    let y4 = pairs
    for (let q = 0; q < nQueries; q += 4) {
      let s00 = h0, s01 = h1, s10 = h0, s11 = h1, s20 = h0, s21 = h1, s30 = h0, s31 = h1
      for (let p = block; p < end; p += 32) {
        const x0 = v128.load(p)
        const x1 = v128.load(p, 16)
        let y = v128.load(y4)
        s00 = i16x8.sub(s00, i16x8.relaxed_dot_i8x16_i7x16_s(x0, y))
        s01 = i16x8.sub(s01, i16x8.relaxed_dot_i8x16_i7x16_s(x1, y))
        y = v128.load(y4, 16)
        s10 = i16x8.sub(s10, i16x8.relaxed_dot_i8x16_i7x16_s(x0, y))
        s11 = i16x8.sub(s11, i16x8.relaxed_dot_i8x16_i7x16_s(x1, y))
        y = v128.load(y4, 32)
        s20 = i16x8.sub(s20, i16x8.relaxed_dot_i8x16_i7x16_s(x0, y))
        s21 = i16x8.sub(s21, i16x8.relaxed_dot_i8x16_i7x16_s(x1, y))
        y = v128.load(y4, 48)
        s30 = i16x8.sub(s30, i16x8.relaxed_dot_i8x16_i7x16_s(x0, y))
        s31 = i16x8.sub(s31, i16x8.relaxed_dot_i8x16_i7x16_s(x1, y))
        y4 += 64
      }
      const least = screens + (<usize>q << 4)
      const w0 = v128.load(least)
      const w1 = v128.load(least, 16)
      const w2 = v128.load(least, 32)
      const w3 = v128.load(least, 48)
      const near0 = i16x8.gt_s(w0, i16x8.min_s(s00, s01))
      const near1 = i16x8.gt_s(w1, i16x8.min_s(s10, s11))
      const near2 = i16x8.gt_s(w2, i16x8.min_s(s20, s21))
      const near3 = i16x8.gt_s(w3, i16x8.min_s(s30, s31))
      if (v128.any_true(v128.or(v128.or(near0, near1), v128.or(near2, near3)))) {
        const first = tile * TILE + r
        if (v128.any_true(near0)) passed += keep(below(s00, s01, w0), first, q, 0)
        if (v128.any_true(near1)) passed += keep(below(s10, s11, w1), first, q + 1, 0)
        if (v128.any_true(near2)) passed += keep(below(s20, s21, w2), first, q + 2, 0)
        if (v128.any_true(near3)) passed += keep(below(s30, s31, w3), first, q + 3, 0)
      }
    }
    block = end
  }
  return passed
}

/** A bit for each of 16 sums that is less than w. */
// @ts-ignore: decorator
@inline
function below(s0: v128, s1: v128, w: v128): i32 {
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.gt_s(w, s0), i16x8.gt_s(w, s1)))
}

/** Compares a tile where |x|² / 2 - x y is known to be off by `error` at most. */
function boundTile(tile: i32, error: f32): void {
  const blockBytes = <usize>d << 5
  const half = f32x4.splat(0.5)
  // The exact distance is rounded too, hence the factor.
  const widened = f32x4.splat(<f32>1 + rounding())
  const slack = f32x4.splat(error)
  for (let p: usize = 0; p < (<usize>nQueries << 2); p += 16) {
    const room = f32x4.sub(f32x4.mul(v128.load(worst + p), widened), v128.load(squares + p))
    v128.store(limits + p, f32x4.add(f32x4.mul(room, half), slack))
  }
  let block = blocks + <usize>tile * TILE * d * 4
  const first = tile * TILE
  for (let r = 0; r < min(TILE, n - first); r += 8) {
    const end = block + blockBytes
    const h = halves + (<usize>(first + r) << 2)
    const h0 = v128.load(h)
    const h1 = v128.load(h, 16)
    let y4 = fours
    for (let q = 0; q < nQueries; q += 4) {
      let s00 = h0, s01 = h1, s10 = h0, s11 = h1, s20 = h0, s21 = h1, s30 = h0, s31 = h1
      for (let p = block; p < end; p += 32) {
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
      const near0 = v128.or(f32x4.le(s00, w0), f32x4.le(s01, w0))
      const near1 = v128.or(f32x4.le(s10, w1), f32x4.le(s11, w1))
      const near2 = v128.or(f32x4.le(s20, w2), f32x4.le(s21, w2))
      const near3 = v128.or(f32x4.le(s30, w3), f32x4.le(s31, w3))
      if (v128.any_true(v128.or(v128.or(near0, near1), v128.or(near2, near3)))) {
        if (v128.any_true(near0)) compareBlock(block, first + r, q)
        if (v128.any_true(near1)) compareBlock(block, first + r, q + 1)
        if (v128.any_true(near2)) compareBlock(block, first + r, q + 2)
        if (v128.any_true(near3)) compareBlock(block, first + r, q + 3)
      }
    }
    block = end
  }
}

/** Compares a tile by differences. */
function compareTile(tile: i32): void {
  const blockBytes = <usize>d << 5
  let block = blocks + <usize>tile * TILE * d * 4
  const first = tile * TILE
  for (let r = 0; r < min(TILE, n - first); r += 8) {
    const end = block + blockBytes
    let y4 = fours
    for (let q = 0; q < nQueries; q += 4) {
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00
      for (let p = block; p < end; p += 32) {
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
      const limit = worst + (<usize>q << 2)
      const w0 = v128.load32_splat(limit)
      const w1 = v128.load32_splat(limit, 4)
      const w2 = v128.load32_splat(limit, 8)
      const w3 = v128.load32_splat(limit, 12)
      const near0 = v128.or(f32x4.le(s00, w0), f32x4.le(s01, w0))
      const near1 = v128.or(f32x4.le(s10, w1), f32x4.le(s11, w1))
      const near2 = v128.or(f32x4.le(s20, w2), f32x4.le(s21, w2))
      const near3 = v128.or(f32x4.le(s30, w3), f32x4.le(s31, w3))
      if (v128.any_true(v128.or(v128.or(near0, near1), v128.or(near2, near3)))) {
        if (v128.any_true(near0)) keepNear(s00, s01, first + r, q)
        if (v128.any_true(near1)) keepNear(s10, s11, first + r, q + 1)
        if (v128.any_true(near2)) keepNear(s20, s21, first + r, q + 2)
        if (v128.any_true(near3)) keepNear(s30, s31, first + r, q + 3)
      }
    }
    block = end
  }
}

/** Compares one query by differences with a block of 8 rows. */
function compareBlock(block: usize, first: i32, q: i32): void {
  let y4 = fours + (<usize>((q >> 2) * d * 4 + (q & 3)) << 2)
  let s0 = f32x4.splat(0), s1 = s0
  for (const end = block + (<usize>d << 5); block < end; block += 32) {
    const y = v128.load32_splat(y4)
    const e0 = f32x4.sub(v128.load(block), y)
    s0 = f32x4.add(s0, f32x4.mul(e0, e0))
    const e1 = f32x4.sub(v128.load(block, 16), y)
    s1 = f32x4.add(s1, f32x4.mul(e1, e1))
    y4 += 16
  }
  keepNear(s0, s1, first, q)
}

/** Keeps those of 8 rows from `first` whose squared distances are near enough to query q. */
function keepNear(s0: v128, s1: v128, first: i32, q: i32): void {
  const limit = v128.load32_splat(worst + (<usize>q << 2))
  v128.store(exact, s0)
  v128.store(exact, s1, 16)
  keep(within(s0, s1, limit) & ((1 << min(8, n - first)) - 1), first, q, exact)
}

/** A bit for each of 8 sums that is at most w. */
// @ts-ignore: decorator
@inline
function within(s0: v128, s1: v128, w: v128): i32 {
  return i32x4.bitmask(f32x4.le(s0, w)) | (i32x4.bitmask(f32x4.le(s1, w)) << 4)
}

/**
 * Puts those of the rows from `first` that `mask` names and that are near enough among the k nearest of
 * query q; returns how many rows the mask names.
 *
 * @param known squared distances of the rows from `first`, or 0 to find them
 */
function keep(mask: i32, first: i32, q: i32, known: usize): i32 {
  if (q >= nQueries) return 0
  const query = queries + (<usize>(q * d) << 2)
  const base = <usize>(q * k) << 2
  const nearest = distances + base
  const ids = indices + base
  const last = <usize>(k - 1) << 2
  const count = popcnt(mask)
  let limit = load<f32>(nearest + last)
  let loose = limit * (<f32>1 + rounding()) + TINY
  let changed = false
  for (; mask != 0; mask &= mask - 1) {
    const place = ctz(mask)
    const id = <u32>(first + place)
    let value: f32
    if (known != 0) {
      value = load<f32>(known + (<usize>place << 2))
    } else {
      const row = rows + <usize>id * (<usize>d << 2)
      if (roughSquare(row, query) > loose) continue
      value = exactSquare(row, query)
    }
    if (value > limit || (value == limit && id > load<u32>(ids + last))) continue
    if (self >= 0 && <i32>id == self + q) continue
    let at = last
    while (at > 0) {
      const before = load<f32>(nearest + at - 4)
      if (before < value || (before == value && load<u32>(ids + at - 4) < id)) break
      store<f32>(nearest + at, before)
      store<u32>(ids + at, load<u32>(ids + at - 4))
      at -= 4
    }
    store<f32>(nearest + at, value)
    store<u32>(ids + at, id)
    limit = load<f32>(nearest + last)
    loose = limit * (<f32>1 + rounding()) + TINY
    changed = true
  }
  if (changed) {
    store<f32>(worst + (<usize>q << 2), limit)
    if (fine) screen(q, limit)
  }
  return count
}

/** Sets what sums of query q have to be less than to come within `limit`, a squared distance. */
function screen(q: i32, limit: f32): void {
  const reach = Math.sqrt(<f64>limit * (1 + <f64>rounding())) * scale * 0.5 + load<f64>(slacks + (<usize>q << 3))
  const sum = reach * reach - load<f64>(lengths + (<usize>q << 3)) + <f64>(1 - OFFSET)
  const least = <i32>Math.min(i16.MAX_VALUE, Math.max(1 + i16.MIN_VALUE, Math.ceil(sum)))
  v128.store(screens + (<usize>q << 4), i16x8.splat(<i16>least))
}

/** |x - y|², the features in order. */
// @ts-ignore: decorator
@inline
function exactSquare(x: usize, y: usize): f32 {
  let sum: f32 = 0
  for (const end = x + (<usize>d << 2); x < end; x += 4, y += 4) {
    const e = load<f32>(x) - load<f32>(y)
    sum += e * e
  }
  return sum
}

/** |x - y|² give or take its rounding. */
// @ts-ignore: decorator
@inline
function roughSquare(x: usize, y: usize): f32 {
  let four = f32x4.splat(0)
  let one: f32 = 0
  const end = x + (<usize>d << 2)
  for (; x + 16 <= end; x += 16, y += 16) {
    const e = f32x4.sub(v128.load(x), v128.load(y))
    four = f32x4.relaxed_madd(e, e, four)
  }
  for (; x < end; x += 4, y += 4) {
    const e = load<f32>(x) - load<f32>(y)
    one += e * e
  }
  return total(four) + one
}
