import Foundation
import SelMix
import Testing

@testable import Training

/// Heads fitted in one go: gradients against differences, the fit against its own conditions.
@Suite struct HeadFitTests {
    private static func losses() throws -> [BalancedRows.Loss] {
        [.crossEntropy, .geometricMean(offsets: (0..<HeadGradientTests.classes).map { -0.2 * Float($0) })]
    }

    @Test func theGradientIsTheSlope() throws {
        let data = try HeadGradientTests.data()
        let rows = BalancedRows([(data, Array(data.labels.indices)), (data, [0, 3, 7, 11])])
        #expect(rows.count == data.count + 4)
        let head = HeadGradientTests.weights()
        let (gradient, scratch) = (Parameters(layout: head.layout), Parameters(layout: head.layout))
        for loss in try Self.losses() {
            _ = try rows.loss(loss, head: head, gradient: gradient)
            for (name, place) in [("weight", 0), ("weight", 17), ("weight", 40), ("bias", 0), ("bias", 2)] {
                let index = place % head[name].count
                let moved = head.copy()
                let step: Float = 1e-2
                moved[name][index] += step
                let above = try rows.loss(loss, head: moved, gradient: scratch)
                moved[name][index] -= 2 * step
                let below = try rows.loss(loss, head: moved, gradient: scratch)
                let slope = (above - below) / (2 * Double(step))
                #expect(
                    abs(slope - Double(gradient[name][index])) < 2e-3 * (1 + abs(slope)), "\(loss) \(name) \(index)")
            }
        }
    }

    /// Every class weighs the same, and a class's rows alike: the loss is the mean over classes of their means.
    @Test func theLossIsAMeanOverClasses() throws {
        let data = try HeadGradientTests.data()
        let head = HeadGradientTests.weights()
        let rows = Array(data.labels.indices)
        let counts = data.classCounts
        var (entropies, soft) = (
            [Double](repeating: 0, count: data.classes), [Double](repeating: 0, count: data.classes)
        )
        let offsets = (0..<data.classes).map { -0.2 * Float($0) }
        let table = try LogitTable(data.features, head: head)
        try table.forEach(rows) { row, logits in
            let label = Int(data.labels[row])
            func logProbability(_ l: [Double]) -> Double { l[label] - log(l.reduce(0) { $0 + exp($1) }) }
            let plain = (0..<data.classes).map { Double(logits[$0]) }
            entropies[label] -= logProbability(plain)
            soft[label] += exp(logProbability(zip(plain, offsets).map { $0 + Double($1) }))
        }
        let gradient = Parameters(layout: head.layout)
        let all = BalancedRows([(data, rows)])
        let known = Double(counts.count { $0 > 0 })
        let entropy = zip(entropies, counts).reduce(0) { $0 + ($1.1 > 0 ? $1.0 / Double($1.1) / known : 0) }
        let geometric = zip(soft, counts).reduce(0) { $0 - ($1.1 > 0 ? log($1.0 / Double($1.1)) / known : 0) }
        #expect(abs(try all.loss(.crossEntropy, head: head, gradient: gradient) - entropy) < 1e-5)
        #expect(
            abs(try all.loss(.geometricMean(offsets: offsets), head: head, gradient: gradient) - geometric) < 1e-5)
    }

    @Test func aStrongPullStaysAndAWeakOneLearns() throws {
        let data = try HeadGradientTests.data()
        let rows = BalancedRows([(data, Array(data.labels.indices))])
        let centre = HeadGradientTests.weights()
        let gradient = Parameters(layout: centre.layout)
        let strong = try HeadFit(.crossEntropy, penalty: 1e6)(rows, towards: centre, from: centre)
        for i in 0..<centre.layout.count { #expect(abs(strong.floats[i] - centre.floats[i]) < 1e-3) }
        let weak = try HeadFit(.crossEntropy, penalty: 1e-3)(rows, towards: centre, from: centre)
        let before = try rows.loss(.crossEntropy, head: centre, gradient: gradient)
        let after = try rows.loss(.crossEntropy, head: weak, gradient: gradient)
        #expect(after < before)
        // Where the search begins does not matter.
        let other = try HeadFit(.crossEntropy, penalty: 1e-3, maximalIterations: 200)(
            rows, towards: centre, from: strong)
        let again = try rows.loss(.crossEntropy, head: other, gradient: gradient)
        #expect(abs(again - after) < 0.02 * before)
    }

    /// Held or computed again, by rows or by columns: the same logits up to the rounding of another product.
    @Test func logitsAreTheSameHeldOrStreamed() throws {
        let data = try HeadGradientTests.data()
        let head = HeadGradientTests.weights()
        let held = try LogitTable(data.features, head: head)
        let streamed = try LogitTable(data.features, head: head, holding: 0)
        let (rows, classes) = (data.count, data.classes)
        var (a, b) = ([Float](repeating: 0, count: rows * classes), [Float](repeating: 0, count: rows * classes))
        try held.read(classes: 0..<classes, into: &a)
        try streamed.read(classes: 0..<classes, into: &b)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 })
        var row = [Float](repeating: 0, count: classes)
        for index in [0, 1, rows - 1] {
            try streamed.read(row: index, into: &row)
            for k in 0..<classes { #expect(abs(row[k] - a[k * rows + index]) < 1e-4) }
        }
        var seen: [Int] = []
        try streamed.forEach([2, 5, rows - 1]) { index, logits in
            seen.append(index)
            #expect(abs(logits[1] - a[rows + index]) < 1e-4)
        }
        #expect(seen == [2, 5, rows - 1])
    }

    @Test func aClassThatIsDrownedOutIsScaledUp() throws {
        let data = try HeadGradientTests.data()
        let head = HeadGradientTests.weights()
        for index in 0..<data.dimension { head["weight"][index] *= 0.1 }
        let table = try LogitTable(data.features, head: head)
        let factors = try ScaleFit.factors(
            [(table, data.labels, Array(data.labels.indices))], classes: data.classes)
        #expect(factors.count == data.classes && factors.allSatisfy(\.isFinite))
        #expect(factors != [Float](repeating: 1, count: data.classes))
    }
}
