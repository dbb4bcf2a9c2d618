import Common
import Coordination
import Messaging
import SelMix
import Testing
import Training

@testable import Runtime

/// What a node's samples can give, and what they cannot.
@Suite struct GradientBoundsTests {
    private static let bounds = GradientBounds(shards: 8, largestFeature: 16)

    private static func allows(_ value: Float, of node: TreeNode, isBias: Bool = false) -> Bool {
        var values = [Float](repeating: 0.001, count: 70)
        values[33] = value
        var rounded = values.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
        let asFloats = bounds.allow(&values, count: values.count, as: .float32, of: node, isBias: isBias)
        let asBfloats = bounds.allow(&rounded, count: rounded.count, as: .bfloat16, of: node, isBias: isBias)
        #expect(asFloats == asBfloats)
        return asFloats
    }

    @Test func theShareOfTheBatchTimesTheLargestFeatureIsTheMost() {
        for (node, share) in [(TreeNode(0, 1), 0.125), (TreeNode(0, 4), 0.5), (TreeNode(0, 8), 1)]
            as [(TreeNode, Float)]
        {
            #expect(Self.allows(share * 16, of: node) && Self.allows(-share * 16, of: node))
            #expect(!Self.allows(share * 16 * 1.25, of: node) && !Self.allows(-share * 16 * 1.25, of: node))
            #expect(Self.allows(share, of: node, isBias: true) && !Self.allows(share * 1.25, of: node, isBias: true))
        }
    }

    @Test(arguments: [Float.nan, -.nan, .infinity, -.infinity, .greatestFiniteMagnitude])
    func whatIsNoNumberIsBeyond(value: Float) {
        #expect(!Self.allows(value, of: .root(shards: 8)))
        #expect(!Self.allows(value, of: .leaf(ShardID(3)), isBias: true))
    }

    /// A bound that is itself beyond all numbers allows numbers alone.
    @Test func extremeFeaturesAllowNoInfinity() {
        let bounds = GradientBounds(shards: 1, largestFeature: .greatestFiniteMagnitude)
        for (value, isAllowed) in [(Float.greatestFiniteMagnitude, true), (.infinity, false), (.nan, false)] {
            var values = [value]
            #expect(
                bounds.allow(&values, count: 1, as: .float32, of: .root(shards: 1), isBias: false) == isAllowed)
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -1]) func lossesThatAreNone(loss: Double) {
        #expect(Self.bounds.complaint(aboutLoss: loss) == "its loss is \(loss)")
    }

    @Test(arguments: [0, -0.0, -1e-9, 2.3, 1e99]) func losses(loss: Double) {
        #expect(Self.bounds.complaint(aboutLoss: loss) == nil)
    }
}
