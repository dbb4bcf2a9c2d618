import Foundation
import Testing

/// A headless Chromium that a test drives over its debugging pipe.
final class Browser {
    private let process = Process()
    private let folder: TemporaryFolder
    private var input = FileHandle.nullDevice
    private var output = FileHandle.nullDevice
    private var received = Data()
    private var number = 0
    private var session: String?
    /// What the page's console and its policy complained about. That nobody answers is no fault of the page.
    private(set) var complaints: [String] = []

    /// Opens a page.
    ///
    /// - Parameter program: the browser.
    init(_ program: String, page: String) throws {
        folder = try TemporaryFolder()
        let (commands, answers) = (folder.path("commands"), folder.path("answers"))
        for pipe in [commands, answers] { try #require(mkfifo(pipe, 0o600) == 0) }
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // The browser reads commands from descriptor 3 and answers on 4.
        process.arguments = [
            "-c",
            "exec \"$0\" --headless=new --no-sandbox --disable-gpu --user-data-dir=\"$1\" --remote-debugging-pipe "
                + "about:blank 3<\"$2\" 4>\"$3\"",
            program, folder.path("profile"), commands, answers,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        input = try #require(FileHandle(forWritingAtPath: commands))
        output = try #require(FileHandle(forReadingAtPath: answers))
        let target = try call("Target.createTarget", ["url": "about:blank"])["targetId"] as? String
        let attached = try call("Target.attachToTarget", ["targetId": try #require(target), "flatten": true])
        session = try #require(attached["sessionId"] as? String)
        for domain in ["Runtime", "Log", "Page"] { _ = try call("\(domain).enable") }
        _ = try call("Page.navigate", ["url": page])
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// The value of an expression, as text.
    func evaluate(_ expression: String) throws -> String {
        let answer = try call("Runtime.evaluate", ["expression": "String(\(expression))", "awaitPromise": true])
        return try #require((answer["result"] as? [String: Any])?["value"] as? String, "\(expression): \(answer)")
    }

    /// Whether a condition holds; it does not as long as what it asks about is not there.
    func finds(_ condition: String) throws -> Bool {
        try evaluate("(() => { try { return \(condition) } catch { return false } })()") == "true"
    }

    private func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        number += 1
        var command: [String: Any] = ["id": number, "method": method, "params": parameters]
        command["sessionId"] = session
        try input.write(contentsOf: JSONSerialization.data(withJSONObject: command) + [0])
        while true {
            let message = try next()
            if message["id"] as? Int == number {
                return try #require(message["result"] as? [String: Any], "\(method): \(message)")
            }
            switch message["method"] as? String {
            case "Runtime.exceptionThrown", "Log.entryAdded":
                let complaint = "\(message["params"] ?? "")"
                if !complaint.contains("net::ERR_CONNECTION_") { complaints.append(complaint) }
            default: break
            }
        }
    }

    /// A message of the browser; each ends with a zero.
    private func next() throws -> [String: Any] {
        while true {
            if let end = received.firstIndex(of: 0) {
                let text = received[received.startIndex..<end]
                received = Data(received[(end + 1)...])
                return try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
            }
            let more = output.availableData
            try #require(!more.isEmpty, "the browser ended")
            received.append(more)
        }
    }
}
