import Coordination
import Foundation
import Messaging
import Testing

/// What someone on the way sees: without keys everything, with keys none of it.
@Suite struct EavesdroppingTests {
    /// What the traffic of one short run shows.
    private struct Traffic {
        var bytes: [UInt8]
        /// Tensors that could be read, the first of each name.
        var tensors: [String: [UInt8]]

        func contains(_ pattern: some Sequence<UInt8>) -> Bool { Data(bytes).range(of: Data(pattern)) != nil }
    }

    @Test func withKeysNothingCanBeRead() throws {
        let folder = try TemporaryFolder()
        let keys = try KeyFolder(folder.path("keys"), workers: "one")
        let plain = try traffic(of: folder.path("plain"), options: [])
        let secured = try traffic(of: folder.path("secured"), options: ["--keys", keys.path])

        // Parts from the middle of the tensors, so that nothing but the values themselves is looked for.
        let head = try Data(contentsOf: Program.digits.appendingPathComponent("head.safetensors"))
        let parts: [String: [UInt8]] = [
            "the head": Array(head.suffix(1000).prefix(64)),
            "weights": Array(try #require(plain.tensors["weight"]).dropFirst(512).prefix(64)),
            "pairs": Array(try #require(plain.tensors["pairs"]).prefix(128)),
            "a gradient": Array(try #require(plain.tensors["weight of a worker"]).dropFirst(512).prefix(64)),
            "the job": Array(#""objective""#.utf8),
            "the objective": Array("min-recall".utf8),
        ]
        for (what, part) in parts {
            #expect(plain.contains(part), "\(what) is not found where it can be read, so the search is worthless")
            #expect(!secured.contains(part), "\(what) can be read")
        }
        #expect(secured.tensors.isEmpty)
        #expect(secured.bytes.count > plain.bytes.count / 2, "less went over the wire than a run needs")
    }

    /// A short run with one worker, seen from between.
    private func traffic(of output: String, options: [String]) throws -> Traffic {
        let run = RunFolder(path: output)
        let coordinator = try RunningProgram(
            [
                "coordinator", Program.digits.appendingPathComponent("min-recall.yaml").path, "--quiet", "--bind",
                "tcp://127.0.0.1:*", "--set", "output=\(run.path)", "--set", "selmix.rounds=2", "--set",
                "selmix.stepsPerRound=5",
            ] + options)
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let proxies = try ["control", "bulk"].map { try RecordingProxy(before: #require(info[$0] as? String)) }
        defer { for proxy in proxies { proxy.stop() } }
        let worker = try RunningProgram(
            ["worker", "--name", "one", "--connect", proxies[0].address, "--connect-bulk", proxies[1].address] + options
        )
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(worker.waitForExit() == 0, "\(worker.errors)")

        var traffic = Traffic(bytes: [], tensors: [:])
        for connection in proxies.flatMap(\.recordings) {
            traffic.bytes += connection.toServer + connection.toClient
            for tensor in PlainStream(connection.toClient).tensors(CoordinatorMessage.self) {
                traffic.tensors[tensor.name] = traffic.tensors[tensor.name] ?? tensor.bytes
            }
            for tensor in PlainStream(connection.toServer).tensors(WorkerMessage.self) {
                let name = tensor.name + " of a worker"
                traffic.tensors[name] = traffic.tensors[name] ?? tensor.bytes
            }
        }
        return traffic
    }
}

/// One direction of a ZeroMQ connection without encryption, as anyone can read it: a greeting of 64 bytes, then frames of
/// flags (1: more follow, 2: long, 4: a command), length, content.
private struct PlainStream {
    /// Keeps no frame: they are copied.
    private final class Nobody: Sendable {}

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func tensors<Message: WireDecodable>(_ type: Message.Type) -> [(name: String, bytes: [UInt8])] {
        messages.flatMap { frames -> [(name: String, bytes: [UInt8])] in
            guard let header = frames.first else { return [] }
            let rest = frames.dropFirst().map { Array($0) }
            return header.withUnsafeBytes { header in
                let pointers = rest.map { frame in
                    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: frame.count, alignment: 8)
                    copy.copyBytes(from: frame)
                    return copy
                }
                defer { for pointer in pointers { pointer.deallocate() } }
                let packet = try? Packet<Message>(
                    decoding: header, frames: pointers.map { (UnsafeRawBufferPointer($0), Nobody()) },
                    limits: WireLimits(tensorBytes: 1 << 30))
                return packet?.tensors.map { ($0.name, Array($0.bytes)) } ?? []
            }
        }
    }

    private var messages: [[ArraySlice<UInt8>]] {
        var (messages, frames, rest) = ([[ArraySlice<UInt8>]](), [ArraySlice<UInt8>](), bytes.dropFirst(64))
        while let flags = rest.popFirst() {
            let digits = flags & 2 == 0 ? 1 : 8
            let length = rest.prefix(digits).reduce(0) { $0 << 8 | Int($1) }
            guard flags & ~7 == 0, length >= 0, rest.count >= digits + length else { break }
            rest = rest.dropFirst(digits)
            if flags & 4 == 0 {
                frames.append(rest.prefix(length))
                if flags & 1 == 0 {
                    messages.append(frames)
                    frames = []
                }
            }
            rest = rest.dropFirst(length)
        }
        return messages
    }
}
