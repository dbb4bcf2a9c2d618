import CKernels

/// The digest at the end of every header frame.
///
/// Without keys nothing else says that a message came as it went: TCP's own check of 16 bits lets through what a bad cable,
/// switch or memory damages. One flipped bit in a header would be a node, a step or a digest that nobody sent, and a worker
/// be blamed for it. So the frame ends with the field `digest`: two bytes of tag and XXH3 of all bytes before, which is
/// checked before anything is decoded.
public enum MessageSeal {
    public enum State: Sendable {
        case whole
        /// It ends with a digest that is not its own.
        case damaged
        /// It does not end with a digest, as in version 1 of the protocol.
        case absent
    }

    /// Field 100, eight bytes.
    private static let tag: [UInt8] = [0xA1, 0x06]
    static let byteCount = 10

    /// A frame with its digest behind it.
    public static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        let digest = bytes.withUnsafeBytes { hash($0) }
        return bytes + tag + withUnsafeBytes(of: digest.littleEndian) { Array($0) }
    }

    public static func state(of bytes: UnsafeRawBufferPointer) -> State {
        let end = bytes.count - byteCount
        guard end >= 0, bytes[end] == tag[0], bytes[end + 1] == tag[1] else { return .absent }
        let digest = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: end + 2, as: UInt64.self))
        return digest == hash(UnsafeRawBufferPointer(rebasing: bytes[..<end])) ? .whole : .damaged
    }

    /// XXH3; 0 of nothing.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        bytes.baseAddress.map { bytes.isEmpty ? 0 : smx_hash($0, bytes.count, 0) } ?? 0
    }
}
