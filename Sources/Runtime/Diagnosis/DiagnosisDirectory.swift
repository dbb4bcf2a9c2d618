import Common
import Foundation
import Training

/// The directory that a diagnosis writes to. A second diagnosis of the same kind replaces the first one's files.
public struct DiagnosisDirectory: Sendable {
    public let path: String

    /// Made before anything is measured, so that a long diagnosis does not end at a directory that cannot be made.
    public init(creating path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw SelMixError(
                .failed, "the output directory \(path) cannot be made", hint: "choose another --output",
                cause: String(cString: strerror(errno)))
        }
    }

    func write(_ content: Data, to name: String) throws {
        try AtomicFile.write(to: path + "/" + name) { sink in
            try content.withUnsafeBytes { try sink.write($0) }
        }
    }
}
