import CKernels
import Common
import SelMix
import Testing

@testable import Training

@Suite struct TreeSumTests {
    private static let count = 37

    private static func leaf(_ shard: Int, _ index: Int) -> Float {
        Float(Philox(seed: 4).block(.synthesis, index: shard, slot: index).low.unitInterval - 0.5)
    }

    private static func rounded(_ value: Float) -> Float {
        var (bits, result): (UInt16, Float) = (0, 0)
        smx_float_to_bfloat([value], &bits, 1)
        smx_bfloat_to_float(&bits, &result, 1)
        return result
    }

    /// One value of a node by the rule: children summed in float32, then rounded, but for the root.
    private static func expected(_ node: TreeNode, _ index: Int, _ precision: Precision, root: TreeNode) -> Float {
        let sum =
            node.children.map {
                expected($0.left, index, precision, root: root) + expected($0.right, index, precision, root: root)
            } ?? leaf(node.lower, index)
        return precision == .float32 || node == root ? sum : rounded(sum)
    }

    /// Whoever owned what: the sum over the whole tree from nodes of any sizes has the same bits.
    @Test(arguments: Precision.allCases, [1, 2, 3, 5, 8, 13]) func sumsDoNotDependOnWhoSummed(
        precision: Precision, shards: Int
    ) {
        let root = TreeNode.root(shards: shards)
        let sum = TreeSum(shards: shards, precision: precision, capacity: Self.count)
        func nodeSum(_ node: TreeNode) -> AlignedBuffer {
            let result = AlignedBuffer(byteCount: Self.count * sum.type(of: node).byteCount)
            sum(node, count: Self.count, into: result.pointer) { part, memory, type in
                guard part.count == 1 else { return nil }
                let values = (0..<Self.count).map { Self.leaf(part.lower, $0) }
                switch type {
                case .float32: memory.copyMemory(from: values, byteCount: Self.count * 4)
                case .bfloat16: smx_float_to_bfloat(values, memory.assumingMemoryBound(to: UInt16.self), Self.count)
                }
                return UnsafeRawPointer(memory)
            }
            return result
        }
        for owners in 1...shards {
            var received: [TreeNode: AlignedBuffer] = [:]
            for owner in 0..<owners {
                let owned = (0..<shards).filter { $0 * owners / shards == owner }.map { ShardID($0) }
                for node in TreeNode.maximalNodes(of: owned, total: shards) { received[node] = nodeSum(node) }
            }
            let total = AlignedBuffer(byteCount: Self.count * 4)
            let values = sum(root, count: Self.count, into: total.pointer) { node, _, _ in
                received[node].map { UnsafeRawPointer($0.pointer) }
            }.assumingMemoryBound(to: Float.self)
            for index in 0..<Self.count {
                #expect(values[index] == Self.expected(root, index, precision, root: root))
            }
        }
    }
}

@Suite struct ParameterSliceTests {
    @Test func aSmallHeadIsNotCut() {
        let layout = ParameterLayout.linearHead(classes: 10, dimension: 64)
        #expect(layout.slices.isEmpty && layout.whole == [0, 1])
    }

    @Test(arguments: [(1000, 2048, 8), (8142, 2048, 64), (129, 2048, 2), (3, 1 << 20, 3)])
    func slicesCoverTheWeightInOrder(classes: Int, dimension: Int, number: Int) {
        let layout = ParameterLayout.linearHead(classes: classes, dimension: dimension)
        #expect(layout.slices.count == number && layout.whole == [1])
        var row = 0
        for slice in layout.slices {
            #expect(slice.rows.lowerBound == row && slice.offset == row * dimension)
            #expect(slice.count == slice.rows.count * dimension)
            #expect(slice.count * 4 <= ParameterLayout.sliceBytes || slice.rows.count == 1)
            row = slice.rows.upperBound
        }
        #expect(row == classes)
    }

    @Test(arguments: [(1000, 2048, 64), (129, 2048, 9), (3, 1 << 20, 3)])
    func piecesCoverTheSlicesInOrder(classes: Int, dimension: Int, number: Int) {
        let layout = ParameterLayout.linearHead(classes: classes, dimension: dimension)
        #expect(layout.pieces.count == number && layout.piecesOfSlice.count == layout.slices.count)
        #expect(layout.piecesOfSlice.flatMap { $0 } == Array(0..<number))
        for (slice, indices) in zip(layout.slices, layout.piecesOfSlice) {
            let pieces = layout.pieces[indices]
            #expect(pieces.flatMap(\.rows) == Array(slice.rows))
            for piece in pieces {
                #expect(piece.offset == slice.offset + (piece.rows.lowerBound - slice.rows.lowerBound) * dimension)
                #expect(piece.count == piece.rows.count * dimension)
            }
        }
    }
}

@Suite struct BufferPoolTests {
    @Test func memoryComesBackWhenItsLastUserLetsGo() {
        let pool = BufferPool(keeping: 1)
        var first: AlignedBuffer? = pool.buffer(byteCount: 4096)
        let address = first!.pointer
        let other = pool.buffer(byteCount: 4096)
        #expect(other.pointer != address)
        first = nil
        #expect(pool.buffer(byteCount: 64).pointer != address)
        #expect(pool.buffer(byteCount: 4096).pointer == address)
    }
}
