import Coordination
import Foundation
import Messaging
import Synchronization
import Testing

/// A run with keys while everyone else tries to get in: they are refused and counted, and not a bit of the result changes.
@Suite struct IntrusionTests {
    @Test func intrudersChangeNothing() throws {
        let folder = try TemporaryFolder()
        let keys = try KeyFolder(folder.path("keys"), workers: "honest", "mallory")
        let run = RunFolder(path: folder.path("run"))
        let coordinator = try RunningProgram([
            "coordinator", Program.digits.appendingPathComponent("min-recall.yaml").path, "--quiet", "--bind",
            "tcp://127.0.0.1:*", "--keys", keys.path, "--set", "output=\(run.path)", "--set", "cluster.minWorkers=2",
        ])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let control = try #require(info["control"] as? String)
        let bulk = try #require(info["bulk"] as? String)

        // One worker is listened to on its way, so that there is something to play again.
        let proxies = [try RecordingProxy(before: control), try RecordingProxy(before: bulk)]
        defer { for proxy in proxies { proxy.stop() } }
        let first = try worker("honest/0", keys, proxies[0].address, proxies[1].address)
        try eventually("a recording") {
            proxies.allSatisfy { $0.recordings.contains { $0.toServer.count > 500 } }
        }

        let isOver = Atomic<Bool>(false)
        let rounds = Atomic<Int>(0)
        let attack = try Attack(keys: keys, control: control, bulk: bulk, proxies: proxies)
        let done = DispatchSemaphore(value: 0)
        Thread {
            while !isOver.load(ordering: .relaxed) {
                attack.once()
                rounds.add(1, ordering: .relaxed)
            }
            done.signal()
        }.start()
        defer {
            isOver.store(true, ordering: .relaxed)
            done.wait()
        }
        try eventually("attacks") { rounds.load(ordering: .relaxed) > 1 }
        let second = try worker("honest/1", keys, control, bulk)
        try eventually("attacks on training", within: .seconds(300)) {
            run.lastStep >= 0 && rounds.load(ordering: .relaxed) > 3 || !coordinator.isRunning
        }
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(first.waitForExit() == 0, "\(first.errors)")
        #expect(second.waitForExit() == 0, "\(second.errors)")

        let report = try run.json("report.json")
        #expect(report["weightsDigest"] as? String == Program.weightsDigest)
        #expect(run.events("worker-lost").isEmpty)
        #expect(run.events("worker-joined").count == 2)
        let rejections = try #require(report["rejections"] as? [String: Int])
        for reason in [
            "plain-client", "unlisted-key", "bad-handshake", "no-handshake", "wrong-role", "other-sender", "other-run",
        ] {
            #expect(rejections[reason, default: 0] > 0, "\(reason): \(rejections)")
        }
        for (reason, text) in [
            ("unlisted-key", "a key that is not listed: from 127.0.0.1"), ("wrong-role", "only a coordinator sends"),
            ("other-sender", "another worker's name"),
        ] {
            #expect(coordinator.errors.contains(text), "\(reason) is not in the log")
        }
        let secret = try keys.key("coordinator.secret").hexadecimal
        #expect(!coordinator.errors.contains(secret))
        print("intrusion: \(rounds.load(ordering: .relaxed)) rounds of attacks, \(rejections)")
    }

    private func worker(
        _ name: String, _ keys: KeyFolder, _ control: String, _ bulk: String
    ) throws -> RunningProgram {
        try RunningProgram([
            "worker", "--name", name, "--keys", keys.path, "--connect", control, "--connect-bulk", bulk,
        ])
    }

    /// Everything at once, again and again.
    private final class Attack: @unchecked Sendable {
        private let ports: [UInt16]
        private let addresses: [String]
        private let server: CurveKey
        private let stranger: CurveKeyPair
        private let mallory: [Intruder]
        private let recordings: [[UInt8]]
        private var serial: UInt64 = 1000

        init(keys: KeyFolder, control: String, bulk: String, proxies: [RecordingProxy]) throws {
            addresses = [control, bulk]
            ports = try addresses.map { try port(of: $0) }
            server = try keys.key("coordinator.public")
            stranger = try .random()
            let pair = try keys.pair(of: "mallory")
            let server = server
            mallory = addresses.map { Intruder(pair, server: server, incarnation: 666, connectingTo: $0) }
            recordings = proxies.map { $0.recordings.max { $0.toServer.count < $1.toServer.count }!.toServer }
        }

        func once() {
            serial += 1
            // A plain client and a key that nobody listed, with a hello that would be welcome.
            let hello = WorkerMessage.hello(
                Hello(version: "0.1.0", host: "h", processID: 1, instructionSet: "avx2", matrixLibrary: "x"))
            let visitors = addresses.flatMap { address in
                [nil, stranger].map { Intruder($0, server: server, incarnation: serial, connectingTo: address) }
            }
            for visitor in visitors { visitor.say(hello, as: "honest/0", incarnation: serial) }
            // A listed worker that commands, and that speaks for others.
            for socket in mallory {
                socket.say(CoordinatorMessage.release(reason: "go home"), as: "mallory", incarnation: 666)
                socket.say(WorkerMessage.leaving(reason: "bye"), as: "honest/0", incarnation: 666)
                socket.say(hello, as: "honest/1", incarnation: 666)
                socket.say(WorkerMessage.failed(reason: "boom"), as: "honest/0", incarnation: serial)
                // Of another run, by someone who may speak.
                socket.say(WorkerMessage.failed(reason: "boom"), as: "mallory", incarnation: 666)
            }
            // A recording of a worker, played again; noise; and a crowd that says nothing.
            for (port, recording) in zip(ports, recordings) {
                var crowd: [Int32] = []
                for index in 0..<100 {
                    guard let connection = try? RecordingProxy.connected(to: port) else { continue }
                    crowd.append(connection)
                    switch index {
                    case 0..<5: _ = RecordingProxy.sendAll(recording[...], over: connection)
                    case 5..<10:
                        let noise = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* index &* 37) }
                        _ = RecordingProxy.sendAll(noise[...], over: connection)
                    default: break
                    }
                }
                usleep(100_000)
                for connection in crowd { close(connection) }
            }
            withExtendedLifetime(visitors) {}
        }
    }
}

/// The port of an address in ZeroMQ's form.
func port(of address: String) throws -> UInt16 {
    try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
}
