import Coordination

/// One worker process, numbered in the order of their starts; a restart is a new process.
struct ProcessID: Hashable, Comparable {
    let index: Int
    static func < (a: Self, b: Self) -> Bool { a.index < b.index }
}

/// A message on its way, with what travels beside it.
struct Letter<Message: Sendable>: Sendable {
    var message: Message
    var header: Header
    var tensors: Tensors
    /// The life and the epoch that truly sent it, whatever the header says.
    let sender: Incarnation
    let epoch: Epoch
}

typealias WorkerLetter = Letter<WorkerMessage>
typealias CoordinatorLetter = Letter<CoordinatorMessage>
typealias PeerLetter = Letter<PeerMessage>

enum Channel: Int, CaseIterable {
    case control
    case bulk
}

enum Direction: Int, CaseIterable {
    case toCoordinator
    case toWorker
}

/// What letters go over, in one direction.
enum LinkID: Hashable {
    /// One channel between a worker process and the coordinator.
    case coordinator(ProcessID, Channel, Direction)
    /// From one worker process to another.
    case peer(from: ProcessID, to: ProcessID)

    /// Tensors go over it.
    var isBulk: Bool {
        switch self {
        case .coordinator(_, let channel, _): channel == .bulk
        case .peer: true
        }
    }

    /// All between a worker process and the coordinator.
    static func all(of process: ProcessID) -> [LinkID] {
        Channel.allCases.flatMap { channel in Direction.allCases.map { .coordinator(process, channel, $0) } }
    }

    /// Both between two worker processes.
    static func all(between a: ProcessID, and b: ProcessID) -> [LinkID] {
        [.peer(from: a, to: b), .peer(from: b, to: a)]
    }

    /// From a worker process, as the coordinator's peer or as another worker's.
    func isFrom(_ process: ProcessID) -> Bool {
        switch self {
        case .coordinator(process, _, .toCoordinator): true
        case .peer(from: process, to: _): true
        default: false
        }
    }
}
