/**
 * Walks samples down isolation trees. 16 samples go side by side, because a step waits for the one
 * before and only independent walks keep the processor busy. The samples of a group lie feature by
 * feature: a feature of all 16 is one cache line. Arguments that name arrays are byte addresses.
 *
 * A tree is a perfect heap of 2^depth nodes of 8 bytes, root 1: f32 threshold, then u32 distance of the
 * feature's line from the start of the group.
 */

// @ts-ignore: decorator
@inline
function line(tree: usize, k: usize): usize {
  return load<u32>(tree + (k << 3), 4)
}

/** The child of node k where `value` goes: right when it is above the threshold. */
// @ts-ignore: decorator
@inline
function child(tree: usize, k: usize, value: f32): usize {
  return (k << 1) + usize(value > load<f32>(tree + (k << 3)))
}

/** For the 4 samples at x: all bits set where they go right at node k. */
// @ts-ignore: decorator
@inline
function right(tree: usize, k: usize, x: usize): v128 {
  return f32x4.gt(v128.load(x + load<u32>(tree + (k << 3), 4)), v128.load32_splat(tree + (k << 3)))
}

/**
 * The nodes on level 3 that the 4 samples at x reach. On so few nodes it is cheaper to compare with
 * each one, four samples at a time, than to look up one by one where a sample stands.
 */
// @ts-ignore: decorator
@inline
function third(tree: usize, x: usize): v128 {
  const first = right(tree, 1, x)
  const second = v128.bitselect(right(tree, 3, x), right(tree, 2, x), first)
  const last = v128.bitselect(
    v128.bitselect(right(tree, 7, x), right(tree, 6, x), second),
    v128.bitselect(right(tree, 5, x), right(tree, 4, x), second),
    first,
  )
  // A set mask is -1: subtracting adds one.
  const k = i32x4.sub(i32x4.splat(2), first)
  const kk = i32x4.sub(i32x4.shl(k, 1), second)
  return i32x4.sub(i32x4.shl(kk, 1), last)
}

/**
 * Adds to sums (f64, 16 a group) the path length of every sample in every tree, in the order of trees.
 *
 * @param nodes (nTrees, 2^depth) nodes, depth at least 3
 * @param leaves (nTrees, 2^depth) f32 path lengths at the bottom
 * @param rows (nGroups, nFeatures, 16) f32
 */
export function addPathLengths(
  nodes: usize, leaves: usize, nTrees: i32, depth: i32, rows: usize, nGroups: i32, nFeatures: i32, sums: usize,
): void {
  const half: usize = <usize>1 << depth
  for (let t = 0; t < nTrees; t++) {
    const tree = nodes + ((half * t) << 3)
    // Bottom node k has its path length at k - half.
    const leaf = leaves + ((half * t) << 2) - (half << 2)
    let x = rows
    let sum = sums
    for (let g = 0; g < nGroups; g++) {
      const ka = third(tree, x)
      const kb = third(tree, x + 16)
      const kc = third(tree, x + 32)
      const kd = third(tree, x + 48)
      let k0: usize = i32x4.extract_lane(ka, 0)
      let k1: usize = i32x4.extract_lane(ka, 1)
      let k2: usize = i32x4.extract_lane(ka, 2)
      let k3: usize = i32x4.extract_lane(ka, 3)
      let k4: usize = i32x4.extract_lane(kb, 0)
      let k5: usize = i32x4.extract_lane(kb, 1)
      let k6: usize = i32x4.extract_lane(kb, 2)
      let k7: usize = i32x4.extract_lane(kb, 3)
      let k8: usize = i32x4.extract_lane(kc, 0)
      let k9: usize = i32x4.extract_lane(kc, 1)
      let k10: usize = i32x4.extract_lane(kc, 2)
      let k11: usize = i32x4.extract_lane(kc, 3)
      let k12: usize = i32x4.extract_lane(kd, 0)
      let k13: usize = i32x4.extract_lane(kd, 1)
      let k14: usize = i32x4.extract_lane(kd, 2)
      let k15: usize = i32x4.extract_lane(kd, 3)
      for (let level = 3; level < depth; level++) {
        k0 = child(tree, k0, load<f32>(x + line(tree, k0)))
        k1 = child(tree, k1, load<f32>(x + line(tree, k1), 4))
        k2 = child(tree, k2, load<f32>(x + line(tree, k2), 8))
        k3 = child(tree, k3, load<f32>(x + line(tree, k3), 12))
        k4 = child(tree, k4, load<f32>(x + line(tree, k4), 16))
        k5 = child(tree, k5, load<f32>(x + line(tree, k5), 20))
        k6 = child(tree, k6, load<f32>(x + line(tree, k6), 24))
        k7 = child(tree, k7, load<f32>(x + line(tree, k7), 28))
        k8 = child(tree, k8, load<f32>(x + line(tree, k8), 32))
        k9 = child(tree, k9, load<f32>(x + line(tree, k9), 36))
        k10 = child(tree, k10, load<f32>(x + line(tree, k10), 40))
        k11 = child(tree, k11, load<f32>(x + line(tree, k11), 44))
        k12 = child(tree, k12, load<f32>(x + line(tree, k12), 48))
        k13 = child(tree, k13, load<f32>(x + line(tree, k13), 52))
        k14 = child(tree, k14, load<f32>(x + line(tree, k14), 56))
        k15 = child(tree, k15, load<f32>(x + line(tree, k15), 60))
      }
      store<f64>(sum, load<f64>(sum) + load<f32>(leaf + (k0 << 2)))
      store<f64>(sum, load<f64>(sum, 8) + load<f32>(leaf + (k1 << 2)), 8)
      store<f64>(sum, load<f64>(sum, 16) + load<f32>(leaf + (k2 << 2)), 16)
      store<f64>(sum, load<f64>(sum, 24) + load<f32>(leaf + (k3 << 2)), 24)
      store<f64>(sum, load<f64>(sum, 32) + load<f32>(leaf + (k4 << 2)), 32)
      store<f64>(sum, load<f64>(sum, 40) + load<f32>(leaf + (k5 << 2)), 40)
      store<f64>(sum, load<f64>(sum, 48) + load<f32>(leaf + (k6 << 2)), 48)
      store<f64>(sum, load<f64>(sum, 56) + load<f32>(leaf + (k7 << 2)), 56)
      store<f64>(sum, load<f64>(sum, 64) + load<f32>(leaf + (k8 << 2)), 64)
      store<f64>(sum, load<f64>(sum, 72) + load<f32>(leaf + (k9 << 2)), 72)
      store<f64>(sum, load<f64>(sum, 80) + load<f32>(leaf + (k10 << 2)), 80)
      store<f64>(sum, load<f64>(sum, 88) + load<f32>(leaf + (k11 << 2)), 88)
      store<f64>(sum, load<f64>(sum, 96) + load<f32>(leaf + (k12 << 2)), 96)
      store<f64>(sum, load<f64>(sum, 104) + load<f32>(leaf + (k13 << 2)), 104)
      store<f64>(sum, load<f64>(sum, 112) + load<f32>(leaf + (k14 << 2)), 112)
      store<f64>(sum, load<f64>(sum, 120) + load<f32>(leaf + (k15 << 2)), 120)
      x += (<usize>nFeatures) << 6
      sum += 128
    }
  }
}
