import Messaging
import Synchronization

/// Memory that a tensor frame points into and that tells when it is let go.
final class Block: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let census: Census?

    /// Counts the blocks that are alive.
    final class Census: Sendable {
        private let count = Atomic<Int>(0)
        var alive: Int { count.load(ordering: .acquiring) }
        fileprivate func add(_ change: Int) { count.add(change, ordering: .acquiringAndReleasing) }
    }

    init(_ content: [UInt8], census: Census? = nil) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
        self.census = census
        census?.add(1)
    }

    deinit {
        bytes.deallocate()
        census?.add(-1)
    }
}

extension TensorFrame {
    /// A tensor of bytes; what counts in most tests is that they arrive.
    init(_ name: String, _ content: [UInt8], census: Block.Census? = nil) {
        let block = Block(content, census: census)
        self.init(name: name, type: .bytes, shape: [content.count], bytes: block.bytes, owner: block)
    }

    var content: [UInt8] { Array(bytes) }
}
