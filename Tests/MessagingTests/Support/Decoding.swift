import Coordination
import Messaging

/// A received frame's bytes and the object that keeps them.
typealias Frame = (bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable)

/// Decodes a header as if it had arrived with these tensor frames. One that has no digest, or no longer its own, gets one.
func decode<Message: WireDecodable>(
    _ header: [UInt8], frames: [Frame] = [], as type: Message.Type = Message.self,
    limits: WireLimits = WireLimits(tensorBytes: 4096)
) throws -> Packet<Message> {
    let isWhole = header.withUnsafeBytes { MessageSeal.state(of: $0) } == .whole
    return try (isWhole ? header : MessageSeal.sealed(header)).withUnsafeBytes {
        try Packet<Message>(decoding: $0, frames: frames, limits: limits)
    }
}

func frame(_ count: Int) -> Frame {
    let block = Block([UInt8](repeating: 7, count: count))
    return (block.bytes, block)
}

extension Packet {
    /// The frames that travel beside the header.
    var frames: [Frame] { tensors.map { ($0.bytes, $0.owner) } }
}
