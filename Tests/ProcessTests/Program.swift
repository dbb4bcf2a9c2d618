import Foundation
import Synchronization
import Testing

/// The built `selmix` executable, run as people run it: as a process of its own.
enum Program {
    /// Beside the test bundle, which is in the same build.
    static let path: String = {
        let folder = Bundle.main.executableURL!.deletingLastPathComponent()
        for candidate in [folder, Bundle.main.bundleURL.deletingLastPathComponent()] {
            let path = candidate.appendingPathComponent("selmix").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return package.appendingPathComponent(".build/debug/selmix").path
    }()

    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let digits = package.appendingPathComponent("cluster/digits-lt")
    /// Of the last weights of the bundled job for min-recall, however it is run.
    static let weightsDigest = "a482f1b4122f78df"

    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs to the end.
    static func run(_ arguments: String...) throws -> Result { try run(arguments) }

    static func run(_ arguments: [String]) throws -> Result {
        let running = try RunningProgram(arguments)
        let status = running.waitForExit()
        return Result(status: status, output: running.output, errors: running.errors)
    }
}

/// A started `selmix`, or another program. Ends it, if it still runs, when it is released.
final class RunningProgram: Sendable {
    private let process: Process
    private let texts: [Capture]

    /// Reads a pipe to its end, on a thread of its own, so that no process waits for a full pipe.
    private final class Capture: Sendable {
        let pipe = Pipe()
        private let data = Mutex(Data())
        private let done = DispatchSemaphore(value: 0)

        func start() {
            Thread { [self] in
                while case let chunk = pipe.fileHandleForReading.availableData, !chunk.isEmpty {
                    data.withLock { $0.append(chunk) }
                }
                done.signal()
            }.start()
        }

        var text: String { String(decoding: data.withLock { $0 }, as: UTF8.self) }

        func finish() {
            done.wait()
            done.signal()
        }
    }

    init(_ arguments: [String], program: String = Program.path) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        texts = [Capture(), Capture()]
        process.standardOutput = texts[0].pipe
        process.standardError = texts[1].pipe
        try process.run()
        for text in texts { text.start() }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { texts[0].text }
    var errors: String { texts[1].text }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func waitForExit() -> Int32 {
        process.waitUntilExit()
        for text in texts { text.finish() }
        return process.terminationStatus
    }
}

/// Waits for a condition, generously; a test never depends on how long something takes.
func eventually(_ what: String, within limit: Duration = .seconds(120), _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("waited in vain for \(what)")
            throw CancellationError()
        }
        usleep(3000)
    }
}

/// A fresh folder below the system's temporary one; removed at the end.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// What a run left.
struct RunFolder {
    let path: String

    func json(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

    /// The events of one kind so far; a last line that is still being written is left out.
    func events(_ name: String) -> [[String: Any]] {
        lines(from: 0).filter { $0.contains("\"event\":\"\(name)\"") }.compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    /// The last step that was taken, from the end of the log, as a long run's is asked for often.
    var lastStep: Int {
        let last = lines(from: -20_000).last { $0.contains("\"event\":\"step\"") }
        let event = last.flatMap { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] }
        return event?["step"] as? Int ?? -1
    }

    /// Whole lines of the event log, from an offset that counts from the end if negative.
    private func lines(from offset: Int) -> [Substring] {
        guard let handle = FileHandle(forReadingAtPath: path + "/events.jsonl"),
            let size = try? handle.seekToEnd()
        else { return [] }
        let start = offset >= 0 ? UInt64(offset) : UInt64(max(0, Int(size) + offset))
        try? handle.seek(toOffset: start)
        let text = String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }
    }

    /// Process ids of the workers, by name.
    var workers: [String: Int32] {
        events("worker-joined").reduce(into: [:]) { found, event in
            if let name = event["worker"] as? String, let id = event["processID"] as? Int { found[name] = Int32(id) }
        }
    }

    /// Where the run's coordinator answers over HTTP.
    var http: String { get throws { try #require(json("run.json")["http"] as? String) } }

    /// The digest of every step, in order.
    var stepDigests: [String] { events("step").compactMap { $0["weightsDigest"] as? String } }
}

func isAlive(_ processID: Int32) -> Bool {
    guard kill(processID, 0) == 0 else { return false }
    // A zombie has ended; only its parent has not looked yet.
    let status = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
    return status?.split(separator: ")").last?.split(separator: " ").first != "Z"
}

/// Whether a program of the system ends with status 0.
func system(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}
