import CKernels
import Common
import Coordination
import Foundation
import Training

// How a checkpoint's files are sealed, synced and read.

extension CheckpointStore {
    private static let mark = "selmix-checkpoint "

    /// The manifest with a line before it that holds its digest.
    static func sealed(_ manifest: CheckpointManifest) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let body = Array(try encoder.encode(manifest))
        return Array("\(mark)\(digest(body))\n".utf8) + body
    }

    static func unsealed(_ bytes: [UInt8]) throws -> CheckpointManifest {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw SelMixError(.failed, "\(Name.manifest) is torn")
        }
        let body = Array(bytes[(end + 1)...])
        guard Array(bytes[..<end]) == Array("\(mark)\(digest(body))".utf8) else {
            throw SelMixError(.failed, "\(Name.manifest) is not what was written")
        }
        do {
            return try JSONDecoder().decode(CheckpointManifest.self, from: Data(body))
        } catch {
            throw SelMixError(.failed, "\(Name.manifest) is of another version", cause: "\(error)")
        }
    }

    static func digest(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { $0.baseAddress.map { smx_hash($0, bytes.count, 0) } ?? 0 }.hexadecimal
    }

    static func digest(of tensor: StoredTensor) -> String {
        tensor.bytes.baseAddress.map { smx_hash($0, tensor.bytes.count, 0).hexadecimal } ?? UInt64(0).hexadecimal
    }

    static func put(_ bytes: [UInt8], at path: String) throws {
        try AtomicFile.write(to: path) { sink in try bytes.withUnsafeBytes { try sink.write($0) } }
    }

    static func read(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SelMixError(
                .failed, "\(URL(fileURLWithPath: path).lastPathComponent) cannot be read",
                cause: error.localizedDescription)
        }
    }

    /// Makes names in a directory durable.
    static func sync(directory: String) throws {
        let descriptor = openPatiently(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError("fsync") }
    }

    static func systemError(_ call: String) -> SelMixError {
        let code = errno
        return SelMixError(
            .failed, "\(call) failed", hint: SystemHint.text(for: code), cause: String(cString: strerror(code)))
    }
}
