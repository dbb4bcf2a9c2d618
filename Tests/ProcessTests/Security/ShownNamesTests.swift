import Coordination
import Foundation
import Messaging
import SelMix
import Testing

/// What other machines call themselves, and say of themselves, moves no cursor and adds no line, wherever it is shown.
@Suite struct ShownNamesTests {
    @Test(arguments: ["gpu 1", "gpu1/\u{1B}[2J", "-x", "a\nb"]) func aWorkerNeedsAName(name: String) throws {
        let result = try Program.run("worker", "--connect", "tcp://127.0.0.1:9", "--name=\(name)")
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.contains("--name must be 1 to 200 letters"), "\(result.errors)")
    }

    @Test func reasonsAndNamesAreShownAsTheyAre() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let coordinator = try RunningProgram([
            "coordinator", Program.digits.appendingPathComponent("min-recall.yaml").path, "--bind",
            "tcp://127.0.0.1:*", "--set", "output=\(run.path)", "--set", "selmix.rounds=1000000",
        ])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let control = try #require(info["control"] as? String)
        let id = try #require((info["runID"] as? String).flatMap { RunID($0) })
        let intruder = Intruder(nil, server: nil, incarnation: 666, connectingTo: control)
        let version = try #require(info["version"] as? String)
        let hello = Hello(
            version: version, host: "h", processID: 1, instructionSet: "avx2",
            matrixLibrary: InstructionSet.libraryVersion)
        let reason = "\u{1B}[2J\u{1B}]0;owned\u{7}\nerror: all is lost\u{9B}31m\u{202E}"
        let watched = try Watched(run)
        // Under a name that is none it is not heard; under one that is, what it says of itself is shown as it is. It is said
        // again until it is seen: the queue of the one who says it may be full.
        try eventually("the reason in the status") {
            intruder.say(WorkerMessage.hello(hello), as: "gpu1/\u{1B}[2J", incarnation: 666, runID: nil)
            intruder.say(WorkerMessage.hello(hello), as: "gpu1", incarnation: 666, runID: nil)
            intruder.say(WorkerMessage.failed(reason: reason), as: "gpu1", incarnation: 666, runID: id)
            return try !run.events("worker-lost").isEmpty
                && Program.run("status", run.path).output.contains("\\u{1B}[2J")
        }
        let shown = [
            try Program.run("status", run.path).output, try Program.run("status", run.path, "--json").output,
            try Program.run("explain", run.path).output, try watched.ask("/metrics").body, coordinator.errors,
            try String(contentsOfFile: run.path + "/events.jsonl", encoding: .utf8),
        ]
        for text in shown {
            let bad = text.unicodeScalars.filter {
                $0 != "\n" && ($0.properties.generalCategory == .control || $0.properties.generalCategory == .format)
            }
            #expect(bad.isEmpty, "\(text.debugDescription)")
            #expect(!text.split(separator: "\n").contains { $0.hasPrefix("error: all is lost") })
        }
        #expect(shown[2].contains("\\u{1B}[2J"))
        let rejections = try #require(try watched.json("run")["rejections"] as? [String: Int])
        #expect(rejections["malformed"] ?? 0 > 0)
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
    }
}
