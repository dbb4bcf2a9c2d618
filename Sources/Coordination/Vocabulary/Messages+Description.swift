import Common

// One line for each message, for traces and debug logs. Whom a message goes to is told by whoever prints it.

extension WorkerMessage: CustomStringConvertible {
    public var description: String {
        switch self {
        case .hello(let hello): "hello from selmix \(hello.version)"
        case .heartbeat(let heartbeat): "heartbeat \(heartbeat)"
        case .slice(let slice): "slice \(slice.index) of \(slice.node) to #\(slice.assignment)"
        case .contribution(let contribution): "contribution \(contribution)"
        case .sum(let sum): "sum of piece \(sum.index) of step \(sum.step)"
        case .leaving(let reason): "leaving: \(reason)"
        case .failed(let reason): "failed: \(reason)"
        case .listFiles: "list files"
        case .fetch(let chunk): "fetch \(chunk)"
        }
    }
}

extension Heartbeat: CustomStringConvertible {
    public var description: String {
        let state =
            switch phase {
            case .loading: staging.map { "loading, \($0.doneBytes) of \($0.totalBytes) bytes" } ?? "loading"
            case .ready: "ready"
            }
        let held = weights.map { "weights \($0)" } ?? "no weights"
        let numbers = holding.map { "#\($0)" }.joined(separator: " ")
        return "\(state), \(blocks) blocks, \(held)" + (holding.isEmpty ? "" : ", holds \(numbers)")
    }
}

extension CoordinatorMessage: CustomStringConvertible {
    public var description: String {
        switch self {
        case .welcome: "welcome"
        case .refused(let reason, let retry): "refused\(retry ? " for now" : ""): \(reason)"
        case .alive: "alive"
        case .rejoin(let reason): "rejoin: \(reason)"
        case .weightsPiece(let version, let index): "piece \(index) of weights \(version), to be passed on"
        case .weightsSlice(let version, let head, let index): "slice \(index) of head \(head) of weights \(version)"
        case .weights(let version, _, _, let after): "weights \(version)\(after.map { " after \($0)" } ?? "")"
        case .assign(let assignment): "assignment \(assignment)"
        case .release(let reason): "release: \(reason)"
        case .files: "files"
        case .chunk(let chunk): "\(chunk)"
        case .noFiles(let reason): "no files: \(reason)"
        }
    }
}

extension Assignment: CustomStringConvertible {
    public var description: String { "#\(number): \(work), shards \(shards.told), weights \(weights)" }
}

extension Contribution: CustomStringConvertible {
    public var description: String { "to #\(assignment): \(work), \(node), weights \(weights)" }
}

extension [ShardID] {
    /// "0 1 4".
    var told: String { map(\.description).joined(separator: " ") }
}
