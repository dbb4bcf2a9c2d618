import Common
import Testing

@testable import SelMix

/// What is fitted against what the data were made from.
@Suite struct CalibrationTests {
    /// Labels drawn from a known softmax: what is fitted is what they were drawn from.
    @Test func scalingFindsTheTemperatureAndTheOffsets() throws {
        let philox = Philox(seed: 5)
        let truth = VectorScaling(inverseTemperature: 0.5, offsets: [0.4, -0.1, -0.3])
        var rows: [(label: Int, logits: [Float])] = []
        for row in 0..<20000 {
            let (a, b) = (philox.block(.probe, index: row, slot: 0), philox.block(.probe, index: row, slot: 1))
            let logits = [a.low, a.high, b.low].map { Float(8 * $0.unitInterval - 4) }
            var p: [Float] = [0, 0, 0]
            truth.probabilities(logits, into: &p)
            let u = Float(b.high.unitInterval)
            rows.append((u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2, logits))
        }
        let found = try VectorScaling.fit(offsets: [0, 0, 0], rows: rows.count) { body in
            for (label, logits) in rows { body(label, logits) }
        }
        #expect(abs(found.inverseTemperature - 0.5) < 0.03)
        // Offsets count up to a constant.
        #expect(abs((found.offsets[0] - found.offsets[2]) - 0.7) < 0.08)
        #expect(abs((found.offsets[1] - found.offsets[2]) - 0.2) < 0.08)
    }

    @Test func theMinimiserFindsTheBottomOfABentValley() {
        var x: [Float] = [-1.2, 1]
        let end = LBFGS(maximalIterations: 200, tolerance: 1e-7).minimize(&x) { x, gradient in
            let (a, b) = (Double(x[0]), Double(x[1]))
            gradient[0] = Float(-2 * (1 - a) - 400 * a * (b - a * a))
            gradient[1] = Float(200 * (b - a * a))
            return (1 - a) * (1 - a) + 100 * (b - a * a) * (b - a * a)
        }
        #expect(end.value < 1e-6)
        #expect(abs(x[0] - 1) < 0.01 && abs(x[1] - 1) < 0.01)
    }
}
