import { describe, expect, it } from 'vitest'
import { CounterfactualFinder } from '../../src/anomalies/counterfactual.ts'
import { matrix } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { Autoencoder } from '../../src/models/autoencoder.ts'

const names = ['a', 'b', 'c', 'd']
const own = Int32Array.from([0, 1, 2, 3])

/** 800 rows: b follows a, c and d are free. */
function rows() {
  const random = new Random(1)
  const data = new Float32Array(3200)
  for (let i = 0; i < 800; i++) {
    const a = random.normal()
    data.set([a, a + 0.1 * random.normal(), random.normal(), random.normal()], i * 4)
  }
  return matrix(data, names)
}

function finder(featureOf = own) {
  const X = rows()
  const model = new Autoencoder().fit(X)
  const least = model.score(X).sort()[792]!
  const find = new CounterfactualFinder(X, featureOf, (Y) => model.score(Y), least)
  return { find, model, least }
}

describe('CounterfactualFinder', () => {
  it('changes the one feature that is out, and the changed record is normal by score', () => {
    const { find, model, least } = finder()
    const x = Float32Array.from([0.2, 0.2, 9, -0.3])
    const answer = find.find(x, model.contributions(matrix(x, names)))!
    expect(answer.changed).toEqual([2])
    expect([...answer.row].filter((_, j) => j !== 2)).toEqual([...x].filter((_, j) => j !== 2))
    expect(answer.evidence).toBeLessThan(least)
    expect(model.score(matrix(answer.row, names))[0]).toBe(answer.evidence)
  })

  it('takes back what is not needed', () => {
    const { find } = finder()
    // The shares are wrong on purpose: d first.
    const answer = find.find(Float32Array.from([0.2, 0.2, 9, -0.3]), [0.1, 0.1, 0.3, 0.5])!
    expect(answer.changed).toEqual([2])
  })

  it('changes the columns of one feature together', () => {
    const { find } = finder(Int32Array.from([0, 0, 1, 2]))
    const answer = find.find(Float32Array.from([2, -2, 0, 0]), [1, 0, 0])!
    expect(answer.changed).toEqual([0])
    expect(Math.abs(answer.row[0]! - answer.row[1]!)).toBeLessThan(1)
  })

  it('says when no row to learn from is normal', () => {
    expect(
      () => new CounterfactualFinder(rows(), own, (Y) => new Float64Array(Y.nSamples).fill(5), 1),
    ).toThrow('expects normal rows')
  })
})
