import Common
import Coordination
import Foundation
import Training

/// The directory that a run writes to: `output` of its job file. Held by one process at a time.
public final class RunDirectory: Sendable {
    public let path: String
    private let lock: Int32

    public enum Name {
        public static let head = "head.safetensors"
        public static let folds = "folds.safetensors"
        public static let report = "report.json"
        public static let page = "report.html"
        public static let events = "events.jsonl"
        public static let run = "run.json"
        public static let tensorBoard = "tensorboard"
        static let checkpoints = "checkpoints"
        static let lock = ".lock"
    }

    /// What run.json tells about a run's process.
    struct Info: Codable {
        var runID: RunID
        /// Of the last start.
        var epoch: Epoch
        var configurationDigest: String
        var processID: Int32
        var control: String
        var bulk: String
        /// Where the run can be watched; nil without HTTP.
        var http: String?
        var version: String
        var finished: Bool
        var job: Job
    }

    /// Creates and locks the directory.
    ///
    /// - Throws: when a live process holds it.
    public init(creating path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw SelMixError(
                .failed, "the output directory \(path) cannot be made",
                hint: "choose another `output` in the job file", cause: String(cString: strerror(errno)))
        }
        var status = stat()
        // What is appended to a link is appended to what whoever made it chose.
        if lstat(path + "/" + Name.events, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            throw SelMixError(
                .failed, "\(path)/\(Name.events) is a link, and a run writes to its own files alone",
                hint: "remove it, or choose another `output`")
        }
        lock = open(path + "/" + Name.lock, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard lock >= 0 else {
            throw SelMixError(
                .failed, "the output directory \(path) cannot be written", cause: String(cString: strerror(errno)))
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw SelMixError(
                .failed, "another run is writing to \(path)",
                hint: "wait for it to end, or choose another `output`")
        }
    }

    /// Finds out early whether a run can write to its output directory, without making one.
    ///
    /// - Throws: as the run itself would: when another process holds it, or it holds another run or a finished one.
    static func check(for run: PreparedRun, resumes: Bool) throws {
        guard FileManager.default.fileExists(atPath: run.job.output + "/" + Name.lock) else { return }
        _ = try RunDirectory(creating: run.job.output).unfinished(run, resumes: resumes)
    }

    /// The unfinished run that the directory holds, if it is this one.
    ///
    /// - Throws: when the directory holds another run, or this one and it is finished, or is not to be resumed.
    func unfinished(_ run: PreparedRun, resumes: Bool) throws -> Info? {
        guard let info = try info() else {
            let existing = foreignFiles
            guard existing.isEmpty else { throw occupied("files of another run (\(existing.joined(separator: ", ")))") }
            return nil
        }
        if info.finished { throw occupied("a finished run") }
        guard info.configurationDigest == run.configurationDigest.description else {
            let differences = run.job.differences(from: info.job)
            throw occupied(
                "another run: "
                    + (differences.isEmpty
                        ? "its data, its head or the processor differ" : differences.joined(separator: "; ")))
        }
        guard resumes else {
            throw SelMixError(.failed, "\(path) holds this run, unfinished", hint: "add --resume to go on with it")
        }
        return info
    }

    /// What lies here that only a run leaves, and no run.json beside it to say which.
    ///
    /// An event log without a line is of a start that came to nothing, and so is what lies beside it for TensorBoard: run.json
    /// was not always the first file of a run.
    private var foreignFiles: [String] {
        func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
        let size = try? FileManager.default.attributesOfItem(atPath: file(Name.events))[.size] as? Int
        let isEarlyEnd = size == 0
        return [Name.report, Name.head].filter(isThere)
            + (isEarlyEnd ? [] : [Name.events, Name.tensorBoard].filter(isThere))
            + (checkpoints.names().isEmpty ? [] : [Name.checkpoints])
    }

    /// Takes back the files of a start that failed before its run began.
    func removeStart() {
        for name in [Name.events, Name.run] { unlink(file(name)) }
    }

    /// The report of a finished run of this configuration, if that is what the directory holds.
    static func finishedReport(of run: PreparedRun) -> RunReport? {
        let path = run.job.output + "/"
        guard let data = FileManager.default.contents(atPath: path + Name.run),
            let info = try? JSONDecoder().decode(Info.self, from: data), info.finished,
            info.configurationDigest == run.configurationDigest.description,
            let report = FileManager.default.contents(atPath: path + Name.report)
        else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(RunReport.self, from: report)
    }

    private func occupied(_ what: String) -> SelMixError {
        SelMixError(
            .failed, "\(path) holds \(what)",
            hint: "choose another `output` (--set output=DIR), or move that directory away")
    }

    private func info() throws -> Info? {
        guard let data = FileManager.default.contents(atPath: file(Name.run)) else { return nil }
        do {
            return try Info(checking: data)
        } catch {
            throw occupied("a run of another version")
        }
    }

    func write(_ info: Info) throws {
        try write(JSONEncoder.report.encode(info) + [UInt8(ascii: "\n")], to: Name.run)
    }

    var checkpoints: CheckpointStore { CheckpointStore(path: file(Name.checkpoints)) }

    deinit { close(lock) }

    public func file(_ name: String) -> String { path + "/" + name }

    /// Replaces a file as a whole: aside, synced, renamed.
    func write(_ bytes: some Collection<UInt8>, to name: String) throws {
        try AtomicFile.write(to: file(name)) { sink in
            try Array(bytes).withUnsafeBytes { try sink.write($0) }
        }
    }
}

extension RunDirectory.Info {
    /// - Throws: where it is none, or says what no run writes there.
    init(checking data: Data) throws {
        self = try JSONDecoder().decode(Self.self, from: data)
        try job.checkRanges()
    }
}
