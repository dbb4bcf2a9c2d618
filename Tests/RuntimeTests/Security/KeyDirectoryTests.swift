import Common
import Coordination
import Foundation
import Logging
import Messaging
import Testing

@testable import Runtime

@Suite struct KeyDirectoryTests {
    private let folder: URL
    private let keys: KeyDirectory

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        keys = KeyDirectory(path: folder.path + "/keys")
    }

    private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: keys.path + "/" + name)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    private func problem(_ body: () throws -> Void) -> SelMixError? {
        do {
            try body()
            return nil
        } catch {
            return error as? SelMixError
        }
    }

    @Test func aPairForEachAndTheRightModes() throws {
        defer { cleanUp() }
        #expect(try keys.create(workers: ["gpu1", "gpu2"]).count == 6)
        for (name, expected) in [
            ("coordinator.secret", 0o600), ("coordinator.public", 0o644), ("workers/gpu1.secret", 0o600),
            ("workers/gpu2.public", 0o644), ("workers", 0o700),
        ] {
            #expect(try mode(name) == expected, "\(name)")
        }
        let listed = try keys.listedKeys()
        #expect(Set(listed.values.map(\.text)) == ["gpu1", "gpu2"])
        guard case .client(let pair, let server) = try keys.worker("gpu1/3").security else {
            throw CocoaError(.fileReadUnknown)
        }
        #expect(listed[pair.publicKey]?.text == "gpu1")
        #expect(try keys.coordinatorPair().publicKey == server)
        #expect(pair.publicKey != server)
    }

    /// A key or a token that somebody has opened and saved on Windows is the same.
    @Test func marksAndLineEndsOfEditorsDoNotCount() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let before = try keys.listedKeys()
        for name in ["workers/gpu1.public", "token"] {
            let path = keys.path + "/" + name
            let text =
                name == "token" ? String(repeating: "a1", count: 20) : try String(contentsOfFile: path, encoding: .utf8)
            try Data("\u{feff}\(text.trimmingCharacters(in: .newlines))\r\n".utf8).write(to: URL(fileURLWithPath: path))
            chmod(path, 0o600)
        }
        #expect(try keys.listedKeys() == before)
        #expect(try TokenFile.read(keys.path + "/token") == String(repeating: "a1", count: 20))
    }

    @Test func nothingIsOverwritten() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let before = try Data(contentsOf: URL(fileURLWithPath: keys.path + "/workers/gpu1.secret"))
        let refused = try #require(problem { _ = try keys.create(workers: ["gpu2", "gpu1"]) })
        #expect(refused.code == .usage && refused.message.contains("gpu1.secret is there already"))
        #expect(!FileManager.default.fileExists(atPath: keys.path + "/workers/gpu2.secret"), "half of it was made")
        #expect(try Data(contentsOf: URL(fileURLWithPath: keys.path + "/workers/gpu1.secret")) == before)
        #expect(try keys.create(workers: ["gpu2"]).count == 2)
        #expect(problem { _ = try keys.create(workers: []) }?.message.contains("keys already") == true)
        #expect(problem { _ = try keys.create(workers: ["a", "a"]) }?.message.contains("named twice") == true)
        #expect(problem { _ = try keys.create(workers: ["a/b"]) }?.message.contains("no name of a worker") == true)
    }

    @Test(arguments: [0o604, 0o640, 0o660, 0o602, 0o777])
    func aSecretThatOthersCanReadIsRefused(mode: Int) throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let path = keys.path + "/workers/gpu1.secret"
        #expect(chmod(path, mode_t(mode)) == 0)
        let refused = try #require(problem { _ = try keys.worker("gpu1") })
        #expect(refused.code == .usage)
        #expect(refused.message == "\(path) has mode \(String(mode, radix: 8)): others may read or change it")
        #expect(refused.hint?.hasPrefix("chmod 600 \(path)") == true)
    }

    @Test func whatOthersCanChangeIsRefused() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        for (name, mode) in [("workers/gpu1.public", mode_t(0o664)), ("workers", 0o777)] {
            let path = keys.path + "/" + name
            #expect(chmod(path, mode) == 0)
            let refused = try #require(problem { _ = try keys.listedKeys() })
            #expect(refused.message.hasSuffix("others may change it"), "\(refused)")
            #expect(chmod(path, name == "workers" ? 0o700 : 0o644) == 0)
        }
        #expect(try keys.listedKeys().count == 1)
    }

    @Test func ownersThatAreNeitherThisUserNorRootAreRefused() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        var status = stat()
        #expect(stat(keys.path + "/coordinator.secret", &status) == 0)
        status.st_uid = geteuid() &+ 4711
        let refused = try #require(problem { try FilePermissions(status, path: "k").check(secret: true) })
        #expect(refused.message.contains("belongs to user"))
    }

    @Test(arguments: [
        "", "selmix-secret-key", "selmix-secret-key 00", "selmix-public-key " + String(repeating: "0", count: 64),
        "selmix-secret-key " + String(repeating: "x", count: 64), String(repeating: "a", count: 10_000),
    ])
    func aFileThatIsNoKeyIsNamedAndNotShown(text: String) throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let path = keys.path + "/workers/gpu1.secret"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(chmod(path, 0o600) == 0)
        let refused = try #require(problem { _ = try keys.worker("gpu1") })
        #expect(refused.message == "\(path) holds no secret key of selmix")
        #expect(text.isEmpty || !refused.description.contains(text))
    }

    @Test func aSecretInPlaceOfAPublicKeyIsRefused() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let paths = ["secret", "public"].map { URL(fileURLWithPath: keys.path + "/coordinator.\($0)") }
        try Data(contentsOf: paths[0]).write(to: paths[1])
        let refused = try #require(problem { _ = try keys.worker("gpu1") })
        #expect(refused.message.contains("no public key"))
    }

    @Test func aWorkerNeedsNoNameWhereOnlyItsSecretLies() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1", "gpu2"])
        #expect(problem { _ = try keys.worker(nil) }?.message.contains("the keys of 2 workers") == true)
        unlink(keys.path + "/workers/gpu2.secret")
        #expect(try keys.worker(nil).name == "gpu1")
        unlink(keys.path + "/workers/gpu1.secret")
        #expect(problem { _ = try keys.worker(nil) }?.message.contains("no secret key") == true)
        #expect(problem { _ = try keys.worker("gpu1") }?.message.contains("gpu1.secret") == true)
        #expect(problem { _ = try KeyDirectory(path: "/nowhere").worker(nil) }?.message.contains("/nowhere") == true)
    }

    @Test func twoWorkersWithOneKeyAreRefused() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        try FileManager.default.copyItem(
            atPath: keys.path + "/workers/gpu1.public", toPath: keys.path + "/workers/gpu2.public")
        let refused = try #require(problem { _ = try keys.listedKeys() })
        #expect(refused.message.contains("gpu1 and gpu2 have the same key"))
    }

    @Test func theListFollowsTheDirectory() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: ["gpu1"])
        let list = try WorkerList(keys, log: Logger(label: "test"))
        _ = try keys.create(workers: ["gpu2"])
        guard case .client(let pair, _) = try keys.worker("gpu2").security else {
            throw CocoaError(.fileReadUnknown)
        }
        #expect(list.name(of: pair.publicKey)?.text == "gpu2")
        unlink(keys.path + "/workers/gpu2.public")
        #expect(list.name(of: pair.publicKey) == nil)
        #expect(try list.name(of: CurveKeyPair.random().publicKey) == nil)
    }

    @Test func anEmptyListIsRefused() throws {
        defer { cleanUp() }
        _ = try keys.create(workers: [])
        let refused = try #require(problem { _ = try WorkerList(keys, log: Logger(label: "test")) })
        #expect(refused.message.contains("no worker is listed"))
    }

    @Test(arguments: [
        ("tcp://127.0.0.1:7200", true), ("tcp://127.8.9.10:*", true), ("tcp://localhost:7200", true),
        ("tcp://[::1]:7200", true), ("tcp://lo:7200", true), ("ipc:///tmp/x", true), ("ipc://@x", true),
        ("tcp://0.0.0.0:7200", false), ("tcp://*:7200", false), ("tcp://10.0.0.1:7200", false),
        ("tcp://eth0:7200", false), ("tcp://[::]:7200", false), ("tcp://node1:7200", false),
        ("tcp://127.0.0.1.example.org:7200", false), ("tcp://127.0.0:1", false), ("tcp://127.0.0.1;10.0.0.1:1", false),
        ("tcp://localhost.example.org:1", false), ("tcp://127.0.0.256:1", false), ("tcp://", false),
    ])
    func whatLiesBeyondThisMachine(address: String, isLocal: Bool) {
        #expect(Access.isLocal(address) == isLocal)
        #expect((problem { try Access.local.check([address], doing: "listening on") } == nil) == isLocal)
        #expect(problem { try Access.anyone.check([address], doing: "listening on") } == nil)
    }
}
