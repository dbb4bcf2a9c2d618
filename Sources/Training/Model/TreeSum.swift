import CKernels
import Common
import SelMix

/// Sums of tensors over the canonical tree. Every node is summed in float32 and rounded once to the compute precision,
/// whether or not it crosses a socket; the root of the whole tree stays float32. Holds scratch memory: one a thread.
public final class TreeSum {
    /// Tells what is known of a node.
    ///
    /// - Returns: where its values are, which may be the given memory, written in the given type; nil to sum its children.
    public typealias Value = (TreeNode, UnsafeMutableRawPointer, Precision) throws -> UnsafeRawPointer?

    private let root: TreeNode
    private let precision: Precision
    private let capacity: Int
    /// By depth below where a sum began; the root's left half has memory of its own where the types differ.
    private var right: [AlignedBuffer] = []
    private lazy var left = AlignedBuffer(byteCount: capacity * precision.byteCount)

    /// - Parameter capacity: the most values that are summed at a time.
    public init(shards: Int, precision: Precision, capacity: Int) {
        root = .root(shards: shards)
        (self.precision, self.capacity) = (precision, capacity)
    }

    /// In which type a node's sum is kept and sent.
    public func type(of node: TreeNode) -> Precision { node == root ? .float32 : precision }

    /// Sums `count` values of a node.
    ///
    /// - Returns: where the sum is: in `destination`, or where `value` knows it to be.
    @discardableResult
    public func callAsFunction(
        _ node: TreeNode, count: Int, into destination: UnsafeMutableRawPointer, value: Value
    ) rethrows -> UnsafeRawPointer {
        precondition(count <= capacity, "\(count) values where \(capacity) were planned")
        return try sum(node, count, destination, depth: 0, value)
    }

    private func sum(
        _ node: TreeNode, _ count: Int, _ destination: UnsafeMutableRawPointer, depth: Int, _ value: Value
    ) rethrows -> UnsafeRawPointer {
        let type = type(of: node)
        if let known = try value(node, destination, type) { return known }
        guard let children = node.children else { preconditionFailure("no value for the leaf \(node)") }
        if right.count == depth { right.append(AlignedBuffer(byteCount: capacity * precision.byteCount)) }
        let first = try sum(
            children.left, count, type == precision ? destination : left.pointer, depth: depth + 1, value)
        let second = try sum(children.right, count, right[depth].pointer, depth: depth + 1, value)
        switch (precision, type) {
        case (.float32, _):
            smx_sum(first.asFloats, second.asFloats, destination.assumingMemoryBound(to: Float.self), count)
        case (.bfloat16, .bfloat16):
            smx_sum_bfloat(first.asBfloats, second.asBfloats, destination.assumingMemoryBound(to: UInt16.self), count)
        case (.bfloat16, .float32):
            smx_sum_bfloat_to_float(
                first.asBfloats, second.asBfloats, destination.assumingMemoryBound(to: Float.self), count)
        }
        return UnsafeRawPointer(destination)
    }
}

extension UnsafeRawPointer {
    fileprivate var asFloats: UnsafePointer<Float> { assumingMemoryBound(to: Float.self) }
    fileprivate var asBfloats: UnsafePointer<UInt16> { assumingMemoryBound(to: UInt16.self) }
}
