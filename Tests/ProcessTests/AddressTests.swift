import Foundation
import Testing

/// Hosts by their names, and workers that cannot reach their coordinator.
@Suite struct AddressTests {
    private static let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    private static func freePort() throws -> UInt16 {
        // Even, so that the next one is likely to be free as well.
        for _ in 0..<100 {
            let port = UInt16.random(in: 10_000...15_000) * 2
            let busy = [port, port + 1].contains { port in
                let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(descriptor) }
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                return withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) != 0
                    }
                }
            }
            if !busy { return port }
        }
        throw CancellationError()
    }

    @Test(arguments: [
        ("localhost", "localhost"), ("127.0.0.1", "localhost"), ("lo", "localhost"), ("[::1]", "localhost"),
    ])
    func namesOfThisMachine(bind: String, connect: String) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let port = try Self.freePort()
        let coordinator = try RunningProgram([
            "coordinator", Self.job, "--bind", "tcp://\(bind):\(port)", "--set", "output=\(run.path)", "--set",
            "selmix.rounds=2",
        ])
        let worker = try Program.run("worker", "--connect", "tcp://\(connect):\(port)")
        #expect(worker.status == 0, "\(worker.errors)")
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
    }

    @Test func aNameThatIsNobodysIsSaidToBe() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run(
            "coordinator", Self.job, "--bind", "tcp://no-such-host.invalid:7200", "--insecure", "--set",
            "output=\(folder.path("run"))")
        #expect(result.status == 4)
        #expect(result.errors.contains("cannot listen on tcp://no-such-host.invalid:7200: no host is called"))
        #expect(result.errors.contains("hint: use an address or an interface of this machine"))
    }

    /// Said while the worker goes on trying, and again when it gives up.
    @Test(arguments: [
        ("tcp://no-such-host.invalid:7653", "no host is called no-such-host.invalid ("),
        ("tcp://127.0.0.1:9", "Connection refused"), ("tcp://localhost:9", "127.0.0.1: Connection refused"),
    ])
    func whyACoordinatorCannotBeReached(address: String, reason: String) throws {
        let worker = try RunningProgram(["worker", "--connect", address, "--insecure", "--patience", "8"])
        try eventually("the reason") {
            worker.errors.contains("cannot reach the coordinator at \(address): ") && worker.errors.contains(reason)
        }
        #expect(worker.isRunning)
        #expect(worker.waitForExit() == 4)
        let error = try #require(worker.errors.split(separator: "\n").first { $0.hasPrefix("error: ") })
        #expect(error.contains("no word from the coordinator") && error.contains(reason), "\(worker.errors)")
    }
}
