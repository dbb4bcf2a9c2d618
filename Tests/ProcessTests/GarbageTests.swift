import CZeroMQ
import Common
import Coordination
import Foundation
import Messaging
import Testing

/// Whoever reaches the sockets can send what they like: nothing ends the coordinator, nothing grows, and the run goes on.
@Suite struct GarbageTests {
    /// Messages to each of the two sockets; the environment variable asks for more.
    static let count = ProcessInfo.processInfo.environment["SELMIX_GARBAGE"].flatMap { Int($0) } ?? 20_000

    @Test func garbageIsDroppedAndTrainingGoesOn() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let arguments = [
            "coordinator", Program.digits.appendingPathComponent("min-recall.yaml").path, "--quiet", "--bind",
            "tcp://127.0.0.1:*", "--set", "output=\(run.path)", "--set", "selmix.rounds=1000000",
        ]
        let coordinator = try RunningProgram(arguments)
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let addresses = [try #require(info["control"] as? String), try #require(info["bulk"] as? String)]
        let worker = try RunningProgram([
            "worker", "--name", "honest", "--connect", addresses[0], "--connect-bulk", addresses[1],
        ])
        try eventually("the first step") { run.lastStep >= 0 }

        var attackers = addresses.map { Attacker(address: $0, seed: 11) }
        // What the first messages cost stays; from then on memory is flat.
        for index in attackers.indices { attackers[index].send(Self.count / 10) }
        let before = try residentMegabytes(coordinator.processID)
        let step = run.lastStep
        for _ in 0..<9 {
            for index in attackers.indices { attackers[index].send(Self.count / 10) }
        }
        #expect(coordinator.isRunning)
        try eventually("more steps") { run.lastStep > step + 20 }
        let after = try residentMegabytes(coordinator.processID)
        #expect(after < before + 48, "\(before) MB before, \(after) MB after")
        #expect(run.events("worker-lost").isEmpty)

        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
        let rejections = try #require(try run.json("report.json")["rejections"] as? [String: Int])
        let rejected = rejections.values.reduce(0, +)
        #expect(try #require(rejections["malformed"]) > 0)
        #expect(try #require(rejections["other-sender"]) > 0)
        #expect(worker.waitForExit() == 0)
        print(
            "garbage: \(attackers.reduce(0) { $0 + $1.sent }) sent, \(rejected) rejected, \(before) MB, then \(after) MB"
        )
    }

    private func residentMegabytes(_ processID: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0])) / 1024
    }

    /// A plain ZeroMQ client: random bytes, mutated messages, well-formed messages that do not belong, odd frame counts.
    private struct Attacker {
        private let context = zmq_ctx_new()
        private let socket: UnsafeMutableRawPointer?
        private let templates: [[UInt8]]
        private let philox: Philox
        private(set) var sent = 0

        init(address: String, seed: UInt64) {
            socket = zmq_socket(context, ZMQ_DEALER)
            // Sending waits for the coordinator to read, so that all of it arrives.
            var (timeout, queue): (Int32, Int32) = (60_000, 100)
            zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout, 4)
            zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, 4)
            zmq_connect(socket, address)
            philox = Philox(seed: seed)
            let header = Header(
                runID: RunID(high: 3, low: 4), epoch: Epoch(rawValue: 1), worker: "mallory",
                incarnation: Incarnation(rawValue: 77))
            let contribution = Contribution(
                assignment: 1, work: .train(StepIndex(3)), weights: WeightsVersion(3), selection: Digest(rawValue: 1),
                node: TreeNode(0, 4), digest: Digest(rawValue: 9), loss: 0.5)
            let hello = Hello(version: "0", host: "h", processID: 1, instructionSet: "avx2", matrixLibrary: "x")
            templates = [
                WorkerMessage.hello(hello), .contribution(contribution), .leaving(reason: "no"),
                .heartbeat(Heartbeat(phase: .loading, blocks: 1, weights: nil, holding: [1, 2])),
            ].map { Packet($0, header: header).encodedHeader() }
        }

        mutating func send(_ count: Int) {
            for _ in 0..<count {
                let dice = philox.block(.probe, index: 0, slot: sent)
                var bytes = templates[Int(dice.low % 4)]
                switch dice.low >> 8 % 4 {
                case 0: bytes = (0..<Int(dice.high % 200)).map { UInt8(truncatingIfNeeded: dice.high >> ($0 % 56)) }
                case 1: bytes[Int(dice.high % UInt64(bytes.count))] ^= UInt8(truncatingIfNeeded: dice.low >> 32) | 1
                case 2: bytes.removeLast(Int(dice.high % UInt64(bytes.count)))
                default: break
                }
                let frames = dice.high >> 40 % 16 == 0 ? Int(dice.high >> 50 % 40) : 1
                for frame in 0..<frames {
                    zmq_send(socket, bytes, bytes.count, frame + 1 < frames ? ZMQ_SNDMORE : 0)
                }
                sent += 1
            }
        }
    }
}
