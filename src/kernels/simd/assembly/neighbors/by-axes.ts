/**
 * Exact Euclidean nearest neighbours of rows whose features go together. Rows are seen first in a few coordinates:
 * how far they lie along the axes that hold most of the variance, and how far from the span of these. Two rows are
 * never closer than they are in these, so that most are ruled out by few products; the rest is compared in full.
 *
 * Coordinates are in whole steps of 16 bits, two of them in a lane of a product. Tiles of rows that lie close
 * together are ruled out as a whole by the boxes around them in the first coordinates. Queries far from the span of
 * the axes often lie the same way, other devices than those learned from: one axis is turned to where they are.
 *
 * The squared distance of two rows is summed feature by feature in order, so that it has the same bits wherever it
 * is computed; equal distances are ordered by row number: the result is unique. What decides which rows are
 * compared has a margin for its rounding, so relaxed SIMD there cannot change the result.
 * All arguments that name arrays are byte addresses.
 */

const TILE: i32 = 64
/** Rows of a block. */
const BLOCK: i32 = 16
/** Coordinates that boxes have. */
const BOXED: i32 = 10
/** Bytes of the boxes of four tiles: for every two coordinates the lows, highs and means of each tile. */
const BOXES: usize = (BOXED / 2) * 48
/** Rows and queries are at most so many steps long: sums fit in 31 bits. */
const LONGEST: f64 = 32_700
/** The half square of what is no row in steps. */
const NONE: i32 = i32.MAX_VALUE
/** Of so many rows there is a query before an axis is turned: it costs what some comparisons with all do. */
const TURNED: i32 = 512
/** Tiles visited first, the one with the nearest mean before the others. */
const SOUNDED: i32 = 4
/** Rows gathered before they are compared in full, so that they are side by side. */
const GATHERED: i32 = 8
/** Candidates kept beside the k nearest, as their order is not known to the last bit. */
const SPARE: i32 = 16
/** Half the distance of two float32 numbers at 1. */
const UNIT_ROUNDOFF: f32 = 5.9604645e-8
/** More than sums of squares lose where these are too small for float32's precision. */
const TINY: f32 = 1e-40

// What `packByAxes` was given.
let rows: usize = 0
let n: i32 = 0
let d: i32 = 0
/** Bytes of a row. */
let rowBytes: usize = 0
let numbers: usize = 0
let centre: usize = 0
let axes: usize = 0
/** Coordinates of a row: along the axis that is turned, besides all axes, along the others. */
let width: i32 = 0
let columns: i32 = 0
let scale: f64 = 0
let coords: usize = 0
/** Bytes of a block's coordinates. */
let blockBytes: usize = 0
let halves: usize = 0
let boxes: usize = 0
let aside: usize = 0
let nAside: i32 = 0
/** The largest rounding of a row, in steps, and what it was before an axis was turned. */
let rowSlack: f64 = 0
let firstSlack: f64 = 0
/** (n) float64: distances of the rows from the span of the other axes, and the mean of their squares. */
let rests: usize = 0
let restSquare: f64 = 0

// The queries since the axis was looked at: their number, the sum of their squared distances along it and from
// the span of all, in steps, and (d) float64 the sum of their offsets.
let asks: i32 = 0
let alongTurned: f64 = 0
let besides: f64 = 0
let sums: usize = 0

// The search under way.
let query: usize = 0
/** Number of the row that the query is, or -1. */
let self: i32 = -1
let k: i32 = 0
/** (d) float64: the query less the centre, in steps. */
let offset: usize = 0
/** (columns) float64: its coordinates. */
let place: usize = 0
/** (width) 16 bits: them rounded to steps that are 2^coarser times as long. */
let asked: usize = 0
let coarser: i32 = 0
/** (BOXED) 16 bits: the first of them in steps. */
let corner: usize = 0
/** The roundings of the query and of a row, in steps. */
let slack: f64 = 0
/** |y|², and half of one by what a square of its steps is; in steps. */
let square: f64 = 0
let share: f64 = 0
/** Squared distances above this are too far. */
let loose: f32 = 0
/** What the sums of a block may come to, and the squared distance of a box in steps. */
let limit: i32 = 0
let reach: f32 = 0
/** (tiles) squared distances of the boxes. */
let gaps: usize = 0
/** (tiles) whether visited. */
let seen: usize = 0
/** (SOUNDED) squared distance and number of the tiles to visit first. */
let first: usize = 0
/** (GATHERED + BLOCK) rows gathered, and their squared distances. */
let gathered: usize = 0
let found: usize = 0
let nGathered: i32 = 0
/** (k + SPARE) squared distances of the candidates, ascending, and their places among the rows. */
let values: usize = 0
let ids: usize = 0
let listBytes: usize = 0
let count: i32 = 0

// @ts-ignore: decorator
@inline
function tilesOf(n: i32): i32 {
  return (n + TILE - 1) / TILE
}

/** Bytes that `packByAxes` fills at `coords` and `boxes`, and `nearestByAxes` at `scratch`. */
export function coordsBytes(n: i32, width: i32): usize {
  return <usize>tilesOf(n) * TILE * width * 2
}
export function axesBoxesBytes(n: i32): usize {
  return <usize>((tilesOf(n) + 3) >> 2) * BOXES
}
export function axesScratchBytes(n: i32, d: i32, width: i32, k: i32): usize {
  return <usize>(d + columnsOf(width)) * 8 + <usize>(width + 2) * 2 + <usize>(k + SPARE + 8) * 8 + <usize>tilesOf(n) * 5 + 1024
}
/** Columns of `axes` for so many coordinates: as many as are found at a time. */
export function columnsOf(width: i32): i32 {
  return (width + 15) & ~15
}

/**
 * Puts rows into coordinates. What is given stays in use until the next `packByAxes`.
 *
 * @param rowsAt (nRows, features) float32, row-major, each row padded with 0 to a multiple of 8 values
 * @param numbersAt (nRows) the numbers that rows go by
 * @param centreAt (features) float64, where coordinates are counted from
 * @param axesAt (features, columnsOf(wide)) float64: two columns of 0, orthonormal ones, the one of most variance
 *               first, and 0
 * @param wide coordinates of a row, two more than there are axes; a multiple of 4
 * @param steps whole steps a unit
 * @param coordsAt blocks of 16 rows stored two coordinates at a time
 * @param halvesAt (TILE a tile) int32: half the square of each row in steps
 * @param boxesAt boxes of four tiles each
 * @param asideAt (nRows) rows too long for whole steps
 * @param restsAt (nRows) float64
 * @param sumsAt (features) float64
 */
export function packByAxes(
  rowsAt: usize, nRows: i32, features: i32, numbersAt: usize, centreAt: usize, axesAt: usize, wide: i32, steps: f64,
  coordsAt: usize, halvesAt: usize, boxesAt: usize, asideAt: usize, restsAt: usize, sumsAt: usize,
  scratch: usize,
): void {
  rows = rowsAt
  n = nRows
  d = features
  rowBytes = <usize>((d + 7) & ~7) << 2
  numbers = numbersAt
  centre = centreAt
  axes = axesAt
  width = wide
  columns = columnsOf(width)
  scale = steps
  coords = coordsAt
  blockBytes = <usize>width << 5
  halves = halvesAt
  boxes = boxesAt
  aside = asideAt
  nAside = 0
  rowSlack = 0
  rests = restsAt
  restSquare = 0
  sums = sumsAt
  forget()
  take(scratch, 0)
  offset = take(0, <usize>d << 3)
  place = take(0, <usize>columns << 3)
  memory.fill(coords, 0, coordsBytes(n, width))
  for (let i = 0; i < tilesOf(n) * TILE; i++) {
    const half = halves + (<usize>i << 2)
    store<i32>(half, NONE)
    if (i >= n) continue
    if (!(project(rows + <usize>i * rowBytes) <= LONGEST)) {
      store<i32>(aside + (<usize>nAside << 2), i)
      nAside++
      continue
    }
    let error: f64 = 0
    let squared = 0
    for (let c = 0; c < width; c++) {
      const value = load<f64>(place + (<usize>c << 3))
      const whole = Math.floor(value + 0.5)
      error += (value - whole) * (value - whole)
      squared += <i32>whole * <i32>whole
      store<i16>(coordinate(i, c), <i16>whole)
    }
    store<i32>(half, squared >> 1)
    rowSlack = Math.max(rowSlack, Math.sqrt(error))
    const rest = load<f64>(place, 8)
    store<f64>(rests + (<usize>i << 3), rest)
    restSquare += (rest * rest) / n
  }
  firstSlack = rowSlack
  boxAll()
}

function boxAll(): void {
  for (let t = 0; t < ((tilesOf(n) + 3) & ~3); t++) box(t)
}

/** Where coordinate c of row i is kept. */
// @ts-ignore: decorator
@inline
function coordinate(i: i32, c: i32): usize {
  return coords + <usize>(i >> 4) * blockBytes + (<usize>(c >> 1) << 6) + (<usize>(i & 15) << 2) + (<usize>(c & 1) << 1)
}

/** Puts a row's coordinates at `place`; returns its length in steps. */
function project(row: usize): f64 {
  for (let j = 0; j < d; j++) {
    const e = (<f64>load<f32>(row + (<usize>j << 2)) - load<f64>(centre + (<usize>j << 3))) * scale
    store<f64>(offset + (<usize>j << 3), e)
  }
  return resolve()
}

/** Puts the coordinates of `offset` at `place`; returns its length. */
function resolve(): f64 {
  let length: f64 = 0
  for (let j = 0; j < d; j++) {
    const e = load<f64>(offset + (<usize>j << 3))
    length += e * e
  }
  const across = <usize>columns << 3
  const end = offset + (<usize>d << 3)
  for (let c: usize = 0; c < across; c += 128) {
    let a = axes + c
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0
    for (let p = offset; p < end; p += 8) {
      const e = v128.load64_splat(p)
      s0 = f64x2.relaxed_madd(e, v128.load(a), s0)
      s1 = f64x2.relaxed_madd(e, v128.load(a, 16), s1)
      s2 = f64x2.relaxed_madd(e, v128.load(a, 32), s2)
      s3 = f64x2.relaxed_madd(e, v128.load(a, 48), s3)
      s4 = f64x2.relaxed_madd(e, v128.load(a, 64), s4)
      s5 = f64x2.relaxed_madd(e, v128.load(a, 80), s5)
      s6 = f64x2.relaxed_madd(e, v128.load(a, 96), s6)
      s7 = f64x2.relaxed_madd(e, v128.load(a, 112), s7)
      a += across
    }
    const to = place + c
    v128.store(to, s0)
    v128.store(to, s1, 16)
    v128.store(to, s2, 32)
    v128.store(to, s3, 48)
    v128.store(to, s4, 64)
    v128.store(to, s5, 80)
    v128.store(to, s6, 96)
    v128.store(to, s7, 112)
  }
  let within: f64 = 0
  for (let c = 0; c < width; c++) {
    const value = load<f64>(place + (<usize>c << 3))
    within += value * value
  }
  store<f64>(place, Math.sqrt(Math.max(0, length - within)), 8)
  return Math.sqrt(length)
}

/** Finds the box of a tile; one that has no row in steps is far from everything. */
function box(tile: i32): void {
  const to = boxes + <usize>(tile >> 2) * BOXES + (<usize>(tile & 3) << 2)
  for (let c = 0; c < BOXED; c++) {
    let low: i32 = i16.MAX_VALUE
    let high: i32 = i16.MIN_VALUE
    let sum = 0
    let rowsIn = 0
    for (let i = tile * TILE; i < min(n, (tile + 1) * TILE); i++) {
      if (load<i32>(halves + (<usize>i << 2)) == NONE) continue
      const value: i32 = c < width ? load<i16>(coordinate(i, c)) : 0
      low = min(low, value)
      high = max(high, value)
      sum += value
      rowsIn++
    }
    const at = to + <usize>(c >> 1) * 48 + (<usize>(c & 1) << 1)
    store<i16>(at, <i16>low)
    store<i16>(at, <i16>high, 16)
    store<i16>(at, rowsIn == 0 ? i16.MAX_VALUE : <i16>(sum / rowsIn), 32)
  }
}

let free: usize = 0
/** Hands out bytes from `start` on, or after what it handed out last. */
function take(start: usize, bytes: usize): usize {
  const at = start != 0 ? start : free
  free = (at + bytes + 15) & ~15
  return at
}

/**
 * The neighbours nearest to each of the queries among the packed rows.
 *
 * @param queriesAt (nQueries, d) padded as the rows are
 * @param selfAt number of the row that query 0 is and that is not its own neighbour (query i is row
 *               selfAt + i), or -1
 * @param wanted how many neighbours, not more than there are rows
 * @param distancesAt (nQueries, wanted) squared distances out, ascending
 * @param indicesAt (nQueries, wanted) row numbers out
 * @param scratch axesScratchBytes, at a multiple of 16
 */
export function nearestByAxes(
  queriesAt: usize, nQueries: i32, selfAt: i32, wanted: i32, distancesAt: usize, indicesAt: usize, scratch: usize,
): void {
  k = wanted
  listBytes = <usize>((k + SPARE + 7) & ~3) << 2
  offset = take(scratch, <usize>d << 3)
  place = take(0, <usize>columns << 3)
  asked = take(0, blockBytes >> 4)
  corner = take(0, 2 * BOXED)
  gaps = take(0, <usize>((tilesOf(n) + 3) & ~3) << 2)
  seen = take(0, tilesOf(n))
  first = take(0, SOUNDED * 8)
  gathered = take(0, (GATHERED + BLOCK) * 4)
  memory.fill(gathered, 0, (GATHERED + BLOCK) * 4)
  found = take(0, (GATHERED + BLOCK) * 4)
  values = take(0, listBytes)
  ids = take(0, listBytes)
  for (let q = 0; q < nQueries; q++) {
    query = queriesAt + <usize>q * rowBytes
    self = selfAt < 0 ? -1 : selfAt + q
    search()
    const to = <usize>(q * k) << 2
    memory.copy(distancesAt + to, values, <usize>k << 2)
    for (let i: usize = 0; i < <usize>k << 2; i += 4) store<i32>(indicesAt + to + i, numberOf(load<i32>(ids + i)))
  }
  if (asks > n / TURNED) {
    turn()
    forget()
  }
}

function forget(): void {
  asks = 0
  alongTurned = 0
  besides = 0
  memory.fill(sums, 0, <usize>d << 3)
}

/**
 * Turns the first axis to where the queries lie, if they lie further from the span of the others than rows do and
 * most of that is the same way.
 */
function turn(): void {
  const beside = besides / asks
  if (beside < 4 * restSquare) return
  for (let j: usize = 0; j < <usize>d << 3; j += 8) store<f64>(offset + j, load<f64>(sums + j) / asks)
  const across = <usize>columns << 3
  // Twice is enough to leave nothing along the others (Giraud, Langou & Rozloznik 2005).
  for (let pass = 0; pass < 2; pass++) {
    resolve()
    for (let j = 0; j < d; j++) {
      let e = load<f64>(offset + (<usize>j << 3))
      for (let c = 2; c < width; c++) {
        e -= load<f64>(place + (<usize>c << 3)) * load<f64>(axes + <usize>j * across + (<usize>c << 3))
      }
      store<f64>(offset + (<usize>j << 3), e)
    }
  }
  let same: f64 = 0
  for (let j: usize = 0; j < <usize>d << 3; j += 8) same += load<f64>(offset + j) * load<f64>(offset + j)
  if (!(alongTurned / asks + beside - same < 0.25 * beside)) return
  const length = Math.sqrt(same)
  for (let j = 0; j < d; j++) {
    const e = load<f64>(offset + (<usize>j << 3)) / length
    store<f64>(axes + <usize>j * across, e)
    store<f64>(offset + (<usize>j << 3), e)
  }
  for (let i = 0; i < n; i++) {
    const half = halves + (<usize>i << 2)
    if (load<i32>(half) == NONE) continue
    const row = rows + <usize>i * rowBytes
    let even: f64 = 0
    let odd: f64 = 0
    for (let j = 0; j < d; j++) {
      const e = <f64>load<f32>(row + (<usize>j << 2)) - load<f64>(centre + (<usize>j << 3))
      const sum = odd + e * load<f64>(offset + (<usize>j << 3))
      odd = even
      even = sum
    }
    const along = (even + odd) * scale
    const rest = load<f64>(rests + (<usize>i << 3))
    store<i16>(coordinate(i, 0), <i16>Math.floor(along + 0.5))
    store<i16>(coordinate(i, 1), <i16>Math.floor(Math.sqrt(Math.max(0, rest * rest - along * along)) + 0.5))
    let squared = 0
    for (let c = 0; c < width; c++) squared += <i32>load<i16>(coordinate(i, c)) * <i32>load<i16>(coordinate(i, c))
    store<i32>(half, squared >> 1)
  }
  rowSlack = Math.sqrt(firstSlack * firstSlack + 0.5)
  boxAll()
}

/** Leaves the nearest rows of `query` in `values` and `ids`. */
function search(): void {
  count = 0
  nGathered = 0
  loose = Infinity
  for (let p: usize = 0; p < listBytes; p += 16) v128.store(values + p, f32x4.splat(Infinity))
  ask()
  tighten()
  for (let i = 0; i < nAside; i++) gather(load<i32>(aside + (<usize>i << 2)), 1)
  measure()
  const nTiles = tilesOf(n)
  memory.fill(seen, 0, nTiles)
  const nFirst = approach()
  for (let i = 0; i < nFirst; i++) {
    const tile = load<i32>(first + (<usize>i << 3), 4)
    store<u8>(seen + tile, 1)
    if (load<f32>(gaps + (<usize>tile << 2)) <= reach) compare(tile)
  }
  for (let tile = 0; tile < nTiles; tile++) {
    if (load<f32>(gaps + (<usize>tile << 2)) <= reach && load<u8>(seen + tile) == 0) compare(tile)
  }
  flush()
  settle()
}

/** Puts the query in steps, longer ones the longer it is. */
function ask(): void {
  const length = project(query)
  for (let j: usize = 0; j < <usize>d << 3; j += 8) store<f64>(sums + j, load<f64>(sums + j) + load<f64>(offset + j))
  const along = load<f64>(place)
  const beside = load<f64>(place, 8)
  alongTurned += along * along
  besides += beside * beside
  asks++
  let unit: f64 = 1
  coarser = 0
  while (length > LONGEST * unit && coarser < 24) {
    unit *= 2
    coarser++
  }
  let error: f64 = 0
  square = 0
  memory.fill(asked, 0, blockBytes >> 4)
  memory.fill(corner, 0, 2 * BOXED)
  for (let c = 0; c < width; c++) {
    const value = load<f64>(place + (<usize>c << 3))
    const whole = Math.floor(Math.max(-LONGEST, Math.min(LONGEST, value / unit)) + 0.5)
    const rounded = whole * unit
    error += (value - rounded) * (value - rounded)
    square += rounded * rounded
    store<i16>(asked + (<usize>c << 1), <i16>whole)
    if (c < BOXED) store<i16>(corner + (<usize>c << 1), <i16>Math.floor(Math.max(-LONGEST, Math.min(LONGEST, value)) + 0.5))
  }
  share = 0.5 / unit
  // Beside the rounding to steps, of the corner too: what float64 loses where nothing is left beside the axes.
  slack = Math.sqrt(error) + rowSlack + 2.5 + length * 1e-6
}

/** Sets how far rows may be in steps to come within `loose`. */
function tighten(): void {
  const far = Math.sqrt(<f64>loose) * scale + slack
  reach = <f32>(far * far * 1.0001)
  limit = <i32>Math.floor(Math.min(i32.MAX_VALUE, Math.max(i32.MIN_VALUE, (far * far - square) * share)))
}

/** Finds how far the box of each tile is. */
function measure(): void {
  const zero = i16x8.splat(0)
  let to = gaps
  const end = boxes + axesBoxesBytes(n)
  for (let four = boxes; four < end; four += BOXES) {
    let sum = f32x4.splat(0)
    for (let c: usize = 0; c < <usize>(BOXED / 2); c++) {
      const y = v128.load32_splat(corner + (c << 2))
      const at = four + c * 48
      const e = i16x8.max_s(i16x8.max_s(i16x8.sub_sat_s(v128.load(at), y), i16x8.sub_sat_s(y, v128.load(at, 16))), zero)
      sum = f32x4.add(sum, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(e, e)))
    }
    v128.store(to, sum)
    to += 16
  }
}

/** Puts the tiles whose means lie nearest at `first`; returns how many. */
function approach(): i32 {
  let n4 = 0
  let farthest: f32 = Infinity
  const nTiles = tilesOf(n)
  for (let tile = 0; tile < nTiles; tile += 4) {
    const four = boxes + <usize>(tile >> 2) * BOXES
    let sum = f32x4.splat(0)
    for (let c: usize = 0; c < <usize>(BOXED / 2); c++) {
      const e = i16x8.sub_sat_s(v128.load32_splat(corner + (c << 2)), v128.load(four + c * 48, 32))
      sum = f32x4.add(sum, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(e, e)))
    }
    let near = i32x4.bitmask(f32x4.lt(sum, f32x4.splat(farthest))) & ((1 << min(4, nTiles - tile)) - 1)
    if (near == 0) continue
    v128.store(found, sum)
    for (; near != 0; near &= near - 1) {
      const away = load<f32>(found + (<usize>ctz(near) << 2))
      if (away >= farthest) continue
      if (n4 < SOUNDED) n4++
      let at = first + (<usize>(n4 - 1) << 3)
      for (; at > first && load<f32>(at - 8) > away; at -= 8) store<u64>(at, load<u64>(at - 8))
      store<f32>(at, away)
      store<i32>(at, tile + ctz(near), 4)
      if (n4 == SOUNDED) farthest = load<f32>(first + ((SOUNDED - 1) << 3))
    }
  }
  return n4
}

/** Gathers the rows of a tile that may be near enough: half of |x|² less x y, in steps, tells how near. */
function compare(tile: i32): void {
  let block = coords + <usize>(tile * (TILE / BLOCK)) * blockBytes
  for (let r = tile * TILE; r < (tile + 1) * TILE; r += BLOCK) {
    const end = block + blockBytes
    const half = halves + (<usize>r << 2)
    let s0 = i32x4.shr_s(v128.load(half), coarser)
    let s1 = i32x4.shr_s(v128.load(half, 16), coarser)
    let s2 = i32x4.shr_s(v128.load(half, 32), coarser)
    let s3 = i32x4.shr_s(v128.load(half, 48), coarser)
    for (let y = asked; block < end; block += 128, y += 8) {
      const both = v128.load32_splat(y)
      s0 = i32x4.sub(s0, i32x4.dot_i16x8_s(v128.load(block), both))
      s1 = i32x4.sub(s1, i32x4.dot_i16x8_s(v128.load(block, 16), both))
      s2 = i32x4.sub(s2, i32x4.dot_i16x8_s(v128.load(block, 32), both))
      s3 = i32x4.sub(s3, i32x4.dot_i16x8_s(v128.load(block, 48), both))
      const next = v128.load32_splat(y, 4)
      s0 = i32x4.sub(s0, i32x4.dot_i16x8_s(v128.load(block, 64), next))
      s1 = i32x4.sub(s1, i32x4.dot_i16x8_s(v128.load(block, 80), next))
      s2 = i32x4.sub(s2, i32x4.dot_i16x8_s(v128.load(block, 96), next))
      s3 = i32x4.sub(s3, i32x4.dot_i16x8_s(v128.load(block, 112), next))
    }
    const most = i32x4.splat(limit)
    const near0 = i16x8.narrow_i32x4_s(i32x4.le_s(s0, most), i32x4.le_s(s1, most))
    const near1 = i16x8.narrow_i32x4_s(i32x4.le_s(s2, most), i32x4.le_s(s3, most))
    const near = i8x16.bitmask(i8x16.narrow_i16x8_s(near0, near1))
    if (near != 0) gather(r, near & inSteps(half))
  }
}

/** A bit for each of 16 rows that is one and in steps. */
// @ts-ignore: decorator
@inline
function inSteps(half: usize): i32 {
  const none = i32x4.splat(NONE)
  const rows0 = i16x8.narrow_i32x4_s(i32x4.ne(v128.load(half), none), i32x4.ne(v128.load(half, 16), none))
  const rows1 = i16x8.narrow_i32x4_s(i32x4.ne(v128.load(half, 32), none), i32x4.ne(v128.load(half, 48), none))
  return i8x16.bitmask(i8x16.narrow_i16x8_s(rows0, rows1))
}

/** Gathers those of the rows from `from` that `mask` names. */
function gather(from: i32, mask: i32): void {
  for (; mask != 0; mask &= mask - 1) {
    store<i32>(gathered + (<usize>nGathered << 2), from + ctz(mask))
    nGathered++
  }
  if (nGathered >= GATHERED) flush()
}

/** Compares the rows gathered in full. */
function flush(): void {
  const end = <usize>nGathered << 2
  nGathered = 0
  // Places up to the next four hold rows, if old ones.
  for (let i: usize = 0; i < end; i += 16) roughSquares(gathered + i, found + i)
  const before = loose
  for (let i: usize = 0; i < end; i += 4) {
    const value = load<f32>(found + i)
    if (value <= loose) insert(load<i32>(gathered + i), value)
  }
  if (loose != before) tighten()
}

/** Makes a row a candidate. */
function insert(id: i32, value: f32): void {
  if (self >= 0 && numberOf(id) == self) return
  if (count == k + SPARE) {
    settle()
    if (value > loose) return
  }
  // Places beyond the candidates hold infinity.
  const all = f32x4.splat(value)
  let less = i32x4.splat(0)
  for (let p: usize = 0; p < listBytes; p += 16) less = i32x4.sub(less, f32x4.lt(v128.load(values + p), all))
  const at = <usize>(
    i32x4.extract_lane(less, 0) + i32x4.extract_lane(less, 1) + i32x4.extract_lane(less, 2) + i32x4.extract_lane(less, 3)
  ) << 2
  for (let p = at + (((<usize>count << 2) - at + 15) & ~15); p > at; ) {
    p -= 16
    v128.store(values + p, v128.load(values + p), 4)
    v128.store(ids + p, v128.load(ids + p), 4)
  }
  store<f32>(values + at, value)
  store<i32>(ids + at, id)
  count++
  if (count < k) return
  loose = further(load<f32>(values + (<usize>(k - 1) << 2)))
  while (count > k && load<f32>(values + (<usize>(count - 1) << 2)) > loose) drop()
}

/** Forgets the farthest candidate. */
// @ts-ignore: decorator
@inline
function drop(): void {
  count--
  store<f32>(values + (<usize>count << 2), Infinity)
}

/** Orders the candidates by their distances to the last bit, then by their numbers, and keeps the k nearest. */
function settle(): void {
  const last = count - 1
  for (let i = 0; i < count; i += 4) {
    const r0 = rowOf(i)
    const r1 = rowOf(min(i + 1, last))
    const r2 = rowOf(min(i + 2, last))
    const r3 = rowOf(min(i + 3, last))
    let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0
    for (let j: usize = 0; j < <usize>d << 2; j += 4) {
      const y = load<f32>(query + j)
      const e0 = load<f32>(r0 + j) - y
      s0 += e0 * e0
      const e1 = load<f32>(r1 + j) - y
      s1 += e1 * e1
      const e2 = load<f32>(r2 + j) - y
      s2 += e2 * e2
      const e3 = load<f32>(r3 + j) - y
      s3 += e3 * e3
    }
    const to = values + (<usize>i << 2)
    store<f32>(to, s0)
    if (i + 1 <= last) store<f32>(to, s1, 4)
    if (i + 2 <= last) store<f32>(to, s2, 8)
    if (i + 3 <= last) store<f32>(to, s3, 12)
  }
  for (let i: usize = 4; i < <usize>count << 2; i += 4) {
    const value = load<f32>(values + i)
    const id = load<i32>(ids + i)
    const number = numberOf(id)
    let at = i
    for (; at > 0; at -= 4) {
      const before = load<f32>(values + at - 4)
      if (before < value || (before == value && numberOf(load<i32>(ids + at - 4)) < number)) break
      store<f32>(values + at, before)
      store<i32>(ids + at, load<i32>(ids + at - 4))
    }
    store<f32>(values + at, value)
    store<i32>(ids + at, id)
  }
  while (count > k) drop()
  if (count == k) loose = further(load<f32>(values + (<usize>(k - 1) << 2)))
}

// @ts-ignore: decorator
@inline
function rowOf(candidate: i32): usize {
  return rows + <usize>load<i32>(ids + (<usize>candidate << 2)) * rowBytes
}

// @ts-ignore: decorator
@inline
function numberOf(id: i32): i32 {
  return load<i32>(numbers + (<usize>id << 2))
}

/**
 * A square that is larger than any that rounding may have made of the same distance as the one given, or of that of
 * a row that is as near: a sum of d + 4 products is off by as many roundings (Higham 2002, section 3.1), here six times.
 */
// @ts-ignore: decorator
@inline
function further(square: f32): f32 {
  const roundings: i32 = 6 * (d + 4)
  return square * (<f32>1 + <f32>roundings * UNIT_ROUNDOFF) + TINY
}

/** Squared distances, give or take their rounding, of four rows from the query: side by side they wait for memory less. */
function roughSquares(four: usize, to: usize): void {
  const r0 = rows + <usize>load<i32>(four) * rowBytes
  const r1 = rows + <usize>load<i32>(four, 4) * rowBytes
  const r2 = rows + <usize>load<i32>(four, 8) * rowBytes
  const r3 = rows + <usize>load<i32>(four, 12) * rowBytes
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  for (let j: usize = 0; j < rowBytes; j += 16) {
    const y = v128.load(query + j)
    const e0 = f32x4.sub(v128.load(r0 + j), y)
    s0 = f32x4.relaxed_madd(e0, e0, s0)
    const e1 = f32x4.sub(v128.load(r1 + j), y)
    s1 = f32x4.relaxed_madd(e1, e1, s1)
    const e2 = f32x4.sub(v128.load(r2 + j), y)
    s2 = f32x4.relaxed_madd(e2, e2, s2)
    const e3 = f32x4.sub(v128.load(r3 + j), y)
    s3 = f32x4.relaxed_madd(e3, e3, s3)
  }
  // Transposed, the four sums are one vector's lanes.
  const a = i32x4.shuffle(s0, s1, 0, 4, 1, 5)
  const b = i32x4.shuffle(s0, s1, 2, 6, 3, 7)
  const c = i32x4.shuffle(s2, s3, 0, 4, 1, 5)
  const e = i32x4.shuffle(s2, s3, 2, 6, 3, 7)
  const ab = f32x4.add(a, b)
  const ce = f32x4.add(c, e)
  v128.store(to, f32x4.add(i64x2.shuffle(ab, ce, 0, 2), i64x2.shuffle(ab, ce, 1, 3)))
}
