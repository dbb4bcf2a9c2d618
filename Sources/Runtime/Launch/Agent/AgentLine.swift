import Foundation

/// How launcher and agent talk over an agent's standard input and output: one JSON object a line, behind a mark that tells
/// it from what a login shell may print.
enum AgentLine {
    static let mark = "selmix-agent "

    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(mark.utf8) + Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            preconditionFailure("a message that is no JSON: \(error)")
        }
    }

    /// - Returns: nil for a line that is not one of ours.
    static func decode<Value: Decodable>(_ line: some StringProtocol, as type: Value.Type = Value.self) -> Value? {
        guard line.hasPrefix(mark) else { return nil }
        return try? JSONDecoder().decode(Value.self, from: Data(line.dropFirst(mark.count).utf8))
    }
}
