import Common
import Testing

@testable import Training

@Suite struct FeatureScanTests {
    private func scan(_ values: [Float], columns: Int, threads: Int = 2) throws -> FeatureScan {
        let shape = [values.count / columns, columns]
        let bytes = try SafetensorsWriter.encode([TensorContent(name: "x", shape: shape, values: values)])
        return FeatureScan(try TensorFixture.file(bytes, as: "a.safetensors").tensor("x"), threads: threads)
    }

    /// Against the definitions, at widths around the vectors' and lengths around the blocks'.
    @Test(arguments: [1, 7, 8, 9, 24, 31], [1, 255, 256, 257, 1000])
    func agreesWithTheDefinitions(columns: Int, rows: Int) throws {
        let philox = Philox(seed: 5)
        let values = (0..<rows * columns).map { index in
            let draw = philox.block(.synthesis, index: rows, slot: index).low.unitInterval
            return draw < 0.3 ? 0 : Float(draw - 0.5)
        }
        let found = try scan(values, columns: columns)
        let norms = stride(from: 0, to: values.count, by: columns).map { start in
            values[start..<start + columns].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        #expect(found.rows == rows && found.nonFiniteRows == 0 && found.firstNonFiniteRow == nil)
        #expect(abs(found.meanNorm - norms.reduce(0, +) / Double(rows)) < 1e-5)
        #expect(abs(found.smallestNorm - norms.min()!) < 1e-5 && abs(found.largestNorm - norms.max()!) < 1e-5)
        #expect(found.zeroRows == norms.count { $0 == 0 })
        #expect(abs(found.zeroShare - Double(values.count { $0 == 0 }) / Double(values.count)) < 1e-12)
        #expect(abs(found.negativeShare - Double(values.count { $0 < 0 }) / Double(values.count)) < 1e-12)
        #expect(try scan(values, columns: columns, threads: 1) == found)
        #expect(try scan(values, columns: columns, threads: 5) == found)
    }

    @Test func rowsThatAreNotFiniteAreCountedAndLeftOut() throws {
        var values = [Float](repeating: 3, count: 900 * 10)
        values[301 * 10 + 2] = .nan
        values[500 * 10 + 9] = -.infinity
        values[500 * 10 + 1] = .infinity
        let found = try scan(values, columns: 10)
        #expect(found.nonFiniteRows == 2 && found.firstNonFiniteRow == 301)
        #expect(abs(found.meanNorm - 90.0.squareRoot()) < 1e-5)
    }

    /// Finite values whose squares are beyond float32.
    @Test func hugeValuesAreFinite() throws {
        let found = try scan([Float](repeating: 1e30, count: 40), columns: 20)
        #expect(found.nonFiniteRows == 0)
        #expect(abs(found.largestNorm / (20.0.squareRoot() * 1e30) - 1) < 1e-6)
    }
}
