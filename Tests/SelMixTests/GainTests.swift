import Common
import Dispatch
import Foundation
import SelMix
import Testing

/// The gain by products against its definition, beyond the shapes of the golden files.
@Suite struct GainTests {
    struct Problem {
        var z: Matrix<Float>
        var w: Matrix<Float>
        var bias: [Float]
        var gradient: SparseMatrix

        /// - Parameter density: the part of the gradient's entries off the diagonal that are not 0.
        init(classes: Int, dimension: Int, density: Double, scale: Double = 1) {
            let random = { (rows: Int, columns: Int, scale: Double, lane: UInt32) in
                Matrix(
                    rows: rows, columns: columns,
                    values: KernelTests.random(rows * columns, scale: scale, lane: lane))
            }
            z = random(classes, dimension, scale, 0)
            w = random(classes, dimension, scale, 1)
            bias = KernelTests.random(classes, scale: scale, lane: 3)
            var gradient = random(classes, classes, 0.01, 2).map(Double.init)
            let kept = random(classes, classes, 1, 4)
            for k in 0..<classes {
                for l in 0..<classes where k != l && abs(Double(kept[k, l])) >= density { gradient[k, l] = 0 }
            }
            self.gradient = SparseMatrix(gradient)
        }

        func gain(_ formula: GainFormula = .paper, loop: BlockLoop = .serial) throws -> Matrix<Float> {
            try GainEstimator(formula: formula).gain(
                GainInput(classMeans: z, weight: w, bias: bias, gradient: gradient, mixRatioMean: 0.8), loop: loop)
        }

        func exact(_ i: Int, _ j: Int, _ formula: GainFormula = .paper) -> Double {
            GainReference.entry(
                i, j, classMeans: z.map(Double.init), weight: w.map(Double.init), bias: bias.map(Double.init),
                gradient: gradient.dense, mixRatioMean: 0.8, formula: formula)
        }
    }

    /// Where the sums of exponentials underflow, entries are computed again with logarithms.
    @Test func gainsSurviveLogitsOfSeveralHundred() throws {
        let problem = Problem(classes: 6, dimension: 4, density: 1, scale: 30)
        let gain = try problem.gain()
        let scale = Double(gain.values.map(abs).max()!)
        for i in 0..<6 {
            for j in 0..<6 { #expect(abs(Double(gain[i, j]) - problem.exact(i, j)) < 1e-4 * scale) }
        }
    }

    /// A is Z (Z^T D) where D has few entries, and (Z Z^T) D otherwise.
    @Test(arguments: [0.05, 1], [GainFormula.paper, .reference])
    func fewAndManyEntriesOfTheGradient(density: Double, formula: GainFormula) throws {
        let problem = Problem(classes: 30, dimension: 5, density: density)
        let gain = try problem.gain(formula)
        for i in stride(from: 0, to: 30, by: 3) {
            for j in 0..<30 { #expect(abs(Double(gain[i, j]) - problem.exact(i, j, formula)) < 1e-6, "\(i), \(j)") }
        }
    }

    /// 1030 classes are three blocks, the last a smaller one: pairs of every two blocks, and of their first and last
    /// classes, against the definition; and the same bytes however many threads share the blocks.
    @Test func manyClasses() throws {
        let problem = Problem(classes: 1030, dimension: 3, density: 0.002)
        let gain = try problem.gain()
        let places = [0, 343, 344, 1029]
        for i in places {
            for j in places { #expect(abs(Double(gain[i, j]) - problem.exact(i, j)) < 2e-6, "\(i), \(j)") }
        }
        let sideBySide = BlockLoop { count, body in
            DispatchQueue.concurrentPerform(iterations: count) { body(count - 1 - $0) }
        }
        #expect(try problem.gain(loop: sideBySide) == gain)
    }
}
