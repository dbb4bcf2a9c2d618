import Common
import SelMix
import Testing

@testable import Runtime

@Suite struct PairSampleTests {
    /// K = 40; the gain of pair (i, j) falls from 1599 to 0.
    static let gain = Matrix<Float>(rows: 40, columns: 40, values: (0..<1600).reversed().map(Float.init))

    @Test func halfIsAmongTheLargestGains() {
        let pairs = PairSample.draw(50, gain: Self.gain, seed: 1)
        #expect(pairs.count == 50 && Set(pairs).count == 50)
        // Of 1600 pairs the 25 with the largest gains are more than 1 %.
        #expect(Set(pairs.prefix(25)) == Set((0..<25).map { ClassPair(label: 0, partner: $0) }))
        #expect(Set(pairs.dropFirst(25).map(\.label)).count > 10)
    }

    @Test func aSmallSampleIsDrawnFromTheLargestPercent() {
        let samples = (0..<40).map { PairSample.draw(8, gain: Self.gain, seed: $0) }
        let largest = Set(samples.flatMap { $0.prefix(4) })
        #expect(largest.allSatisfy { $0.label == 0 && $0.partner < 16 })
        #expect(largest.count == 16)
    }

    @Test func theSeedDecides() {
        #expect(PairSample.draw(20, gain: Self.gain, seed: 3) == PairSample.draw(20, gain: Self.gain, seed: 3))
        #expect(PairSample.draw(20, gain: Self.gain, seed: 3) != PairSample.draw(20, gain: Self.gain, seed: 4))
    }

    @Test(arguments: [1599, 1600, 5000])
    func noMoreThanThereAre(count: Int) {
        let pairs = PairSample.draw(count, gain: Self.gain, seed: 5)
        #expect(Set(pairs).count == min(count, 1600) && pairs.count == min(count, 1600))
    }
}
