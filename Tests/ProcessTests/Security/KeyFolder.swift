import Foundation
import Messaging
import Testing

/// Keys as `selmix keygen` makes them, and as a test that plays an intruder reads them.
struct KeyFolder {
    let path: String

    init(_ path: String, workers: String...) throws {
        self.path = path
        let made = try Program.run(["keygen", path] + workers)
        try #require(made.status == 0, "\(made.errors)")
    }

    func key(_ file: String) throws -> CurveKey {
        let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
        return try #require(CurveKey(hexadecimal: text.split(whereSeparator: \.isWhitespace)[1]))
    }

    func pair(of worker: String) throws -> CurveKeyPair {
        try CurveKeyPair(secretKey: key("workers/\(worker).secret"))
    }
}
