import Common
import Foundation
import Training

/// The directory that a run writes to: `output` of its job file. Held by one process at a time.
public final class RunDirectory {
    public let path: String
    private let lock: Int32

    public enum Name {
        public static let head = "head.safetensors"
        public static let report = "report.json"
        public static let page = "report.html"
        public static let events = "events.jsonl"
        public static let run = "run.json"
        static let lock = ".lock"
    }

    /// Creates and locks the directory.
    ///
    /// - Throws: when a live process holds it, or it holds another run already.
    public init(creating path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw SelMixError(
                .failed, "the output directory \(path) cannot be made",
                hint: "choose another `output` in the job file", cause: String(cString: strerror(errno)))
        }
        lock = open(path + "/" + Name.lock, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw SelMixError(
                .failed, "the output directory \(path) cannot be written", cause: String(cString: strerror(errno)))
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw SelMixError(
                .failed, "another run is writing to \(path)",
                hint: "wait for it to end, or choose another `output`")
        }
        let existing = [Name.report, Name.events, Name.head].filter { FileManager.default.fileExists(atPath: file($0)) }
        guard existing.isEmpty else {
            throw SelMixError(
                .failed, "\(path) holds another run already (\(existing.joined(separator: ", ")))",
                hint: "choose another `output` (--set output=DIR), or move that directory away")
        }
    }

    deinit { close(lock) }

    public func file(_ name: String) -> String { path + "/" + name }

    /// Replaces a file as a whole: aside, synced, renamed.
    func write(_ bytes: some Collection<UInt8>, to name: String) throws {
        try AtomicFile.write(to: file(name)) { sink in
            try Array(bytes).withUnsafeBytes { try sink.write($0) }
        }
    }
}
