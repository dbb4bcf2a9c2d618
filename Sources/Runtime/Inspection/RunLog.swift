import Common
import Foundation

/// A run's event log, read back.
struct RunLog {
    /// A line; which fields are there depends on the event.
    struct Event: Decodable {
        var time: String
        var event: String
        var worker: String?
        var host: String?
        var reason: String?
        var work: String?
        var shards: [Int]?
        var node: String?
        var round: Int?
        var step: Int?
        var weightsDigest: String?
        var by: [String: [String]]?
        var waitedFor: String?
        var waited: Double?
        var shardDigests: [String]?
        var tensorDigests: [String: String]?
        var outcome: String?
        var members: [String]?
    }

    let path: String
    let events: [Event]

    /// - Parameter run: a run's output directory.
    init(run: String) throws {
        let path = run + "/" + RunDirectory.Name.events
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SelMixError(
                .invalidInput, "\(run) holds no \(RunDirectory.Name.events)",
                hint: "name the `output` directory of a run")
        }
        // The last line of a run that is still going may be half written.
        let whole = data[..<(data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? data.startIndex)]
        let decoder = JSONDecoder()
        events = try whole.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
            do {
                return try decoder.decode(Event.self, from: Data(line))
            } catch {
                throw SelMixError(.invalidInput, "\(path) line \(index + 1) is no event", cause: "\(error)")
            }
        }
    }

    /// Steps in order.
    var steps: [Event] { events.filter { $0.event == "step" } }

    /// The job that the run was, from its run.json.
    static func info(run: String) throws -> RunDirectory.Info {
        guard let data = FileManager.default.contents(atPath: run + "/" + RunDirectory.Name.run) else {
            throw SelMixError(
                .invalidInput, "\(run) holds no \(RunDirectory.Name.run)", hint: "name the `output` directory of a run")
        }
        do {
            return try RunDirectory.Info(checking: data)
        } catch {
            throw SelMixError(.invalidInput, "\(run)/\(RunDirectory.Name.run) is of another version", cause: "\(error)")
        }
    }
}
