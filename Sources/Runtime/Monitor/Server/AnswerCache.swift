import Foundation
import Synchronization

/// Answers that were encoded for the newest snapshot already, so that a hundred clients cost one encoding.
final class AnswerCache: Sendable {
    private struct State {
        var sequence: UInt64 = 0
        var answers: [String: Data] = [:]
    }

    private static let most = 64
    private let state = Mutex(State())

    /// - Parameter key: what the answer depends on besides the snapshot.
    func answer(
        _ key: String, of snapshot: MonitorSnapshot, _ make: (MonitorSnapshot) throws -> some Encodable
    ) throws -> Data {
        let known = state.withLock { $0.sequence == snapshot.sequence ? $0.answers[key] : nil }
        if let known { return known }
        let data = try Self.encode(make(snapshot))
        state.withLock { state in
            if snapshot.sequence > state.sequence { state = State(sequence: snapshot.sequence) }
            if snapshot.sequence == state.sequence, state.answers.count < Self.most { state.answers[key] = data }
        }
        return data
    }

    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(value)
    }
}
