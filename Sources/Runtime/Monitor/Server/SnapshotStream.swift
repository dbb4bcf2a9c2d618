import FlyingSocks
import Foundation

/// The body of `/api/v1/stream`: server-sent events, made when the client has taken the ones before.
///
/// Nothing is queued for a client. One that reads slowly gets what is new whenever it is ready for more; one that does
/// not read holds a single message, and is dropped by the connection's time limit.
struct SnapshotStream: AsyncBufferedSequence {
    typealias Element = UInt8

    /// How often a client that has everything looks for more.
    private static let poll = Duration.milliseconds(100)

    let board: SnapshotBoard
    let cache: AnswerCache

    func makeAsyncIterator() -> Iterator { Iterator(board: board, cache: cache) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        let board: SnapshotBoard
        let cache: AnswerCache
        private var sequence: UInt64?
        private var event = -1
        private var rounds = 0
        private var step = -1
        private var selection: Int?
        private var isOver = false

        init(board: SnapshotBoard, cache: AnswerCache) { (self.board, self.cache) = (board, cache) }

        // The server takes whole buffers; a request cannot choose otherwise.
        mutating func next() async throws -> UInt8? { preconditionFailure("a stream is taken by the buffer") }

        mutating func nextBuffer(suggested: Int) async throws -> [UInt8]? {
            guard !isOver else { return nil }
            var newest = board.newest
            while newest.sequence == sequence {
                try await Task.sleep(for: SnapshotStream.poll)
                newest = board.newest
            }
            var text = sequence == nil ? Array("retry: 1000\n\n".utf8) : []
            try add(newest, to: &text)
            sequence = newest.sequence
            if newest.run.state.isOver {
                isOver = true
                text += message("end", newest.sequence, try run(newest))
            }
            return text
        }

        private mutating func add(_ newest: MonitorSnapshot, to text: inout [UInt8]) throws {
            text += message("run", newest.sequence, try run(newest))
            text += message(
                "workers", newest.sequence, try cache.answer("workers", of: newest) { $0.workers })
            let (rounds, step, event) = (self.rounds, self.step, self.event)
            let lastStep = newest.steps.last?.result.step.rawValue ?? -1
            if newest.rounds.count != rounds || lastStep != step || sequence == nil {
                // A round's time is known when the next one begins, so the one before is told again.
                let from = rounds == 0 ? 0 : (newest.rounds.dropFirst(rounds - 1).first?.report.round ?? 0)
                let steps = sequence == nil ? 128 : RoundsStatus.mostSteps
                text += message(
                    "rounds", newest.sequence,
                    try cache.answer("rounds \(from) \(steps) \(step)", of: newest) {
                        RoundsStatus($0, from: newest.rounds.count == rounds ? .max : from, steps: steps, after: step)
                    })
                (self.rounds, self.step) = (newest.rounds.count, lastStep)
            }
            let lastEvent = newest.events.last?.number ?? 0
            if lastEvent != event {
                let limit = sequence == nil ? 200 : EventsStatus.most
                text += message(
                    "events", newest.sequence,
                    try cache.answer("events \(event) \(limit)", of: newest) {
                        EventsStatus($0, after: event, limit: limit)
                    })
                self.event = lastEvent
            }
            if let view = newest.selection, view.round != selection {
                selection = view.round
                text += message(
                    "selection", newest.sequence,
                    Data("{\"round\":\(view.round),\"sequence\":\(newest.sequence)}".utf8))
            }
        }

        private func run(_ newest: MonitorSnapshot) throws -> Data { try cache.answer("run", of: newest) { $0.run } }

        /// JSON has no line end of its own, so the data are one line.
        private func message(_ kind: String, _ sequence: UInt64, _ data: Data) -> [UInt8] {
            Array("event: \(kind)\nid: \(sequence)\ndata: ".utf8) + data + Array("\n\n".utf8)
        }
    }
}
