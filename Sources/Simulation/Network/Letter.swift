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

enum Channel: Int, CaseIterable {
    case control
    case bulk
}

enum Direction: Int, CaseIterable {
    case toCoordinator
    case toWorker
}

/// One direction of one channel of one worker process.
struct LinkID: Hashable {
    let process: ProcessID
    let channel: Channel
    let direction: Direction

    var index: Int { process.index * 4 + channel.rawValue * 2 + direction.rawValue }

    static func all(of process: ProcessID) -> [LinkID] {
        Channel.allCases.flatMap { channel in
            Direction.allCases.map { LinkID(process: process, channel: channel, direction: $0) }
        }
    }
}
