import CKernels
import Common

/// How far an event log reached at some time: its length, and a digest of every byte up to there.
///
/// A checkpoint holds the position that was durable before it, so that a log that was cut or edited below a checkpoint is
/// recognised when a run goes on.
struct LogPosition: Sendable, Equatable {
    /// In bytes, at the end of a line.
    var offset: UInt64 = 0
    /// XXH3 of the lines, each seeded with the digest of those before it.
    var digest: UInt64 = 0

    /// - Parameter line: with the line feed that ends it.
    mutating func advance(over line: some Collection<UInt8>) {
        let bytes = Array(line)
        offset += UInt64(bytes.count)
        digest = bytes.withUnsafeBytes { $0.baseAddress.map { smx_hash($0, bytes.count, digest) } ?? digest }
    }
}
