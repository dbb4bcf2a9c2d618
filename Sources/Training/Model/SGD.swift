import CKernels
import Foundation

/// Stochastic gradient descent with momentum and weight decay, as PyTorch defines it:
/// v = m v + (g + wd w), w = w - lr_t v; no decay on biases.
public struct SGD: Sendable {
    public enum Schedule: String, Sendable, Codable, CaseIterable {
        /// lr_t = lr / 2 (1 + cos(pi t / T)).
        case cosine
        case constant
    }

    public var learningRate: Double
    public var momentum: Double
    public var weightDecay: Double
    public var schedule: Schedule
    /// T: steps of the whole run.
    public var totalSteps: Int

    public init(learningRate: Double, momentum: Double, weightDecay: Double, schedule: Schedule, totalSteps: Int) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.schedule = schedule
        self.totalSteps = totalSteps
    }

    /// lr_t of step t, counted from 0.
    public func rate(step: Int) -> Double {
        switch schedule {
        case .constant: learningRate
        case .cosine: learningRate / 2 * (1 + cos(.pi * Double(step) / Double(totalSteps)))
        }
    }

    /// Moves `count` parameters of one tensor by one step; the new values may overwrite the old ones.
    ///
    /// - Parameter decays: whether weight decay applies.
    public func apply(
        step: Int, weights: UnsafePointer<Float>, velocity: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        newWeights: UnsafeMutablePointer<Float>, newVelocity: UnsafeMutablePointer<Float>, decays: Bool, count: Int
    ) {
        smx_sgd(
            weights, velocity, gradient, newWeights, newVelocity, Float(rate(step: step)), Float(momentum),
            decays ? Float(weightDecay) : 0, count)
    }

    /// Moves all parameters by one step: `velocity` is updated in place, the new weights go to `result`, which may be
    /// `weights`.
    public func apply(
        step: Int, weights: Parameters, velocity: Parameters, gradient: Parameters, into result: Parameters
    ) {
        for entry in weights.layout.entries {
            guard !entry.isFixed else {
                if result.buffer !== weights.buffer {
                    _ = result.values(of: entry).update(fromContentsOf: weights.values(of: entry))
                }
                continue
            }
            apply(
                step: step, weights: weights.floats + entry.offset, velocity: velocity.floats + entry.offset,
                gradient: gradient.floats + entry.offset, newWeights: result.floats + entry.offset,
                newVelocity: velocity.floats + entry.offset, decays: entry.decays, count: entry.count)
        }
    }
}
