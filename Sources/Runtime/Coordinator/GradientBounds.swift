import CKernels
import Common
import Coordination
import SelMix
import Training

/// What a node of the reduction tree can give to a step at most, whatever the weights are.
///
/// A sample's gradient of the logits is its probabilities less its target: no entry of it is beyond 1. So no entry of the
/// gradient of the weights is beyond the node's share of the batch times the largest feature, none of the bias beyond the
/// share alone, and no loss is below zero, as it is a cross-entropy. Mixing does not change that: a mixed feature lies between
/// two features. Whatever is beyond was computed wrongly, or from weights that have left all bounds.
struct GradientBounds: Sendable {
    /// What roundings may add, with bfloat16 at every node of the deepest tree, and more.
    private static let slack: Float = 1.125

    let shards: Int
    /// The largest magnitude of all features that samples are mixed from.
    let largestFeature: Float

    private func share(of node: TreeNode) -> Float { Float(node.count) / Float(shards) * Self.slack }

    /// Whether values of a node's gradient are within what it can give.
    func allow(
        _ values: UnsafeRawPointer, count: Int, as type: Precision, of node: TreeNode, isBias: Bool
    ) -> Bool {
        let largest =
            switch type {
            case .float32: smx_largest_magnitude(values.assumingMemoryBound(to: Float.self), count)
            case .bfloat16: smx_largest_magnitude_bfloat(values.assumingMemoryBound(to: UInt16.self), count)
            }
        let bound = share(of: node) * (isBias ? 1 : largestFeature)
        // The bits of floats that are not negative are in the order of their values; an infinite bound allows no infinity.
        return largest <= min(bound, .greatestFiniteMagnitude).bitPattern
    }

    /// What is wrong with a loss of a node; nil if nothing is.
    func complaint(aboutLoss loss: Double) -> String? {
        // A few roundings below zero are none.
        loss.isFinite && loss >= -1e-3 ? nil : "its loss is \(loss)"
    }

    static let complaintAboutGradient = "its gradient is beyond what its samples can give"

    /// What is wrong with everything that a node gave; nil if nothing is.
    func complaint(about gradient: GradientFrames, loss: Double, of node: TreeNode, _ layout: ParameterLayout)
        -> String?
    {
        if let complaint = complaint(aboutLoss: loss) { return complaint }
        let entries =
            gradient.slices.map { ($0, isBias: false) }
            + zip(gradient.whole, layout.whole).map { ($0, isBias: layout.entries[$1].name == "bias") }
        for (frame, isBias) in entries {
            guard let start = frame.bytes.baseAddress else { continue }
            let type = frame.type == .bfloat16 ? Precision.bfloat16 : .float32
            let count = frame.bytes.count / frame.type.byteCount
            guard allow(start, count: count, as: type, of: node, isBias: isBias) else {
                return Self.complaintAboutGradient
            }
        }
        return nil
    }
}

/// A step cannot be taken, as what some nodes gave cannot be.
struct ImplausibleStep: Error {
    let nodes: [ImplausibleNode]
    /// How the run ends if everybody computes the same.
    let error: SelMixError
}
