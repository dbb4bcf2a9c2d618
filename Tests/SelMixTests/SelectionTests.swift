import Common
import Foundation
import SelMix
import Testing

@Suite struct SelectionTests {
    static func randomGain(classes: Int, seed: UInt64) -> Matrix<Float> {
        let philox = Philox(seed: seed)
        return Matrix(
            rows: classes, columns: classes,
            values: (0..<classes * classes).map {
                Float(philox.block(.probe, index: 0, slot: $0).low.unitInterval * 2 - 1.2)
            })
    }

    @Test func onlyPositiveGainsAreFavoured() {
        let gain = Self.randomGain(classes: 20, seed: 2)
        let distribution = PairDistribution.selective(gain: gain, temperature: .relative(0.5))
        let rest = Float(PairDistribution.defaultFloor / 400)
        #expect(abs(distribution.probabilities.values.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
        for (g, p) in zip(gain.values, distribution.probabilities.values) {
            #expect(g > 0 ? p > rest : p == rest)
        }
        #expect(distribution.positivePairs == gain.values.count { $0 > 0 })
    }

    @Test func relativeTemperatureIsAFractionOfTheLargestGain() {
        let gain = Self.randomGain(classes: 12, seed: 3)
        let largest = Double(gain.values.max()!)
        let relative = PairDistribution.selective(gain: gain, temperature: .relative(0.5))
        let absolute = PairDistribution.selective(gain: gain, temperature: .absolute(0.5 * largest))
        #expect(relative.probabilities == absolute.probabilities)
    }

    @Test func withoutAPositiveGainEveryPairIsAlike() {
        let gain = Matrix<Float>(rows: 3, columns: 3, repeating: -1)
        let distribution = PairDistribution.selective(gain: gain, temperature: .relative(0.5))
        #expect(distribution.positivePairs == 0)
        #expect(distribution.probabilities.values.allSatisfy { $0 == Float(1.0 / 9) })
    }

    /// Chi-square of 400,000 drawn pairs against P; 399 degrees of freedom, whose 99.9 % point is 493.
    @Test func drawnPairsFollowTheDistribution() {
        let classes = 20
        let gain = Self.randomGain(classes: classes, seed: 4)
        // A high temperature keeps every expected count well above 5.
        let weights = gain.values.map { exp($0) }
        let sum = weights.reduce(0, +)
        let distribution = PairDistribution(
            probabilities: Matrix(rows: classes, columns: classes, values: weights.map { $0 / sum }))
        var sampler = PairSampler(distribution, seed: 11)
        let draws = 400_000
        var hits = [Int](repeating: 0, count: classes * classes)
        for slot in 0..<draws {
            let pair = sampler.pair(step: StepIndex(3), slot: slot)
            hits[pair.label * classes + pair.partner] += 1
        }
        let statistic = zip(hits, distribution.probabilities.values).reduce(0.0) { total, entry in
            let expected = Double(entry.1) * Double(draws)
            return total + (Double(entry.0) - expected) * (Double(entry.0) - expected) / expected
        }
        #expect(statistic < 493)
    }

    @Test func aPairDependsOnStepAndSlotAlone() {
        let distribution = PairDistribution.uniform(classes: 30)
        var forwards = PairSampler(distribution, seed: 5)
        var backwards = PairSampler(distribution, seed: 5)
        let pairs = (0..<50).map { forwards.pair(step: StepIndex(9), slot: $0) }
        let reversed = (0..<50).reversed().map { backwards.pair(step: StepIndex(9), slot: $0) }
        #expect(pairs == Array(reversed.reversed()))
        #expect((0..<50).map { forwards.pair(step: StepIndex(10), slot: $0) } != pairs)
    }

    @Test func theBestRoundIsTheEarliestOfTheBest() {
        var best = BestRound()
        var kept: [Bool] = []
        kept.append(best.consider(round: RoundIndex(0), objective: 0, hMean: 0))
        kept.append(best.consider(round: RoundIndex(1), objective: 0.5, hMean: 0.6))
        kept.append(best.consider(round: RoundIndex(2), objective: 0.5, hMean: 0.6))
        kept.append(best.consider(round: RoundIndex(3), objective: 0.5, hMean: 0.7))
        kept.append(best.consider(round: RoundIndex(4), objective: 0.4, hMean: 0.9))
        #expect(kept == [true, true, false, true, false])
        #expect(best.round == RoundIndex(3))
    }

    @Test func policiesThatDoNotMixKeepToTheDiagonal() {
        let gain = Matrix<Float>(rows: 3, columns: 3, repeating: 1)
        let balanced = Policy.classBalanced.distribution(
            gain: gain, temperature: .relative(1), floor: 0, trainCounts: [8, 1, 1])
        let instance = Policy.instance.distribution(
            gain: gain, temperature: .relative(1), floor: 0, trainCounts: [8, 1, 1])
        #expect(balanced.probabilities[1, 1] == Float(1.0 / 3) && balanced.probabilities[0, 1] == 0)
        #expect(instance.probabilities[0, 0] == 0.8 && instance.probabilities[2, 2] == 0.1)
    }

    /// At K = 10 the authors' sampler draws one pair in eleven uniformly.
    @Test func theSamplersFloorIsAPartOfEveryDraw() {
        var probabilities = Matrix<Float>(rows: 10, columns: 10, repeating: 0)
        probabilities[3, 4] = 1
        let drawn = PairDistribution(probabilities: probabilities, positivePairs: 1).withSamplerFloor()
        #expect(abs(drawn.probabilities[0, 0] - Float(0.001 / 1.1)) < 1e-9)
        #expect(abs(drawn.probabilities[3, 4] - Float(1.001 / 1.1)) < 1e-6)
        #expect(abs(drawn.probabilities.values.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
        #expect(drawn.positivePairs == 1)
    }

    @Test func resamplingKeepsTheLabelClassesAndMixesNothing() {
        let gain = Matrix<Float>(rows: 3, columns: 3, values: [1, 2, -1, 0.5, -1, -1, 3, 3, 3])
        let selmix = Policy.selmix.distribution(
            gain: gain, temperature: .absolute(1), floor: 1e-6, trainCounts: [1, 1, 1])
        let alone = Policy.resampling.distribution(
            gain: gain, temperature: .absolute(1), floor: 1e-6, trainCounts: [1, 1, 1])
        for i in 0..<3 {
            let row = selmix.probabilities[row: i].reduce(0.0) { $0 + Double($1) }
            #expect(abs(Double(alone.probabilities[i, i]) - row) < 1e-6)
            for j in 0..<3 where j != i { #expect(alone.probabilities[i, j] == 0) }
        }
        #expect(alone.positivePairs == selmix.positivePairs)
    }

    @Test func gainsSettleWhenTheLastIsNearItsMean() {
        var window = ConvergenceWindow(length: 3, tolerance: 0.05)
        let settled = [10, 5, 4.9, 5.05, 5, 8].map { window.settles(with: $0) }
        #expect(settled == [false, false, false, true, true, false])
    }
}
