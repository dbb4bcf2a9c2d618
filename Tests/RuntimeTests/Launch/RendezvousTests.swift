import Common
import Testing

@testable import Runtime

@Suite struct RendezvousTests {
    private let own: Set<String> = ["127.0.0.1", "10.0.0.1", "10.1.0.1", "fd00::1"]

    @Test func nothingIsNeededOnOneMachine() throws {
        #expect(try Rendezvous(bind: nil, seen: [("localhost", "")], own: own) == nil)
    }

    @Test func listensWhereTheHostsSeeThisMachine() throws {
        let one = try #require(
            try Rendezvous(bind: nil, seen: [("a", "10.0.0.1"), ("localhost", ""), ("b", "10.0.0.1")], own: own))
        #expect(one.listensAt == "10.0.0.1" && one.port == 0)
        #expect(one.addresses == ["a": "10.0.0.1", "b": "10.0.0.1", "localhost": "10.0.0.1"])
        let two = try #require(
            try Rendezvous(bind: nil, seen: [("a", "10.0.0.1"), ("localhost", ""), ("b", "10.1.0.1")], own: own))
        #expect(two.listensAt == "*")
        #expect(two.addresses == ["a": "10.0.0.1", "b": "10.1.0.1", "localhost": "127.0.0.1"])
    }

    @Test func takesTheAddressThatIsGiven() throws {
        let given = try #require(try Rendezvous(bind: "tcp://head:7200", seen: [("a", nil)], own: own))
        #expect(given.port == 7200 && given.bulkPort == 7201 && given.addresses == ["a": "head"])
        let everywhere = try #require(
            try Rendezvous(bind: "tcp://0.0.0.0:*", seen: [("a", "10.0.0.1"), ("localhost", "")], own: own))
        #expect(everywhere.port == 0 && everywhere.addresses == ["a": "10.0.0.1", "localhost": "127.0.0.1"])
        let six = try #require(try Rendezvous(bind: "tcp://[fd00::1]:7200", seen: [("a", nil)], own: own))
        #expect(six.listensAt == "fd00::1" && Rendezvous.endpoint("fd00::1", 7200) == "tcp://[fd00::1]:7200")
    }

    @Test(arguments: [
        "7200", "tcp://", "tcp://head", "tcp://head:", "tcp://head:0", "tcp://:7200", "tcp://head:65535", "ipc://x",
    ])
    func otherAddressesAreRefused(bind: String) {
        #expect(throws: SelMixError.self) { try Rendezvous(bind: bind, seen: [("a", nil)], own: own) }
    }

    @Test func saysSoWhereNoAddressWillDo() throws {
        for address in ["192.0.2.7", nil] {
            let error = try #require(throws: SelMixError.self) {
                try Rendezvous(bind: nil, seen: [("a", address)], own: own)
            }
            #expect(error.code == .cluster && error.hint?.contains("--bind") == true)
        }
        #expect(throws: SelMixError.self) { try Rendezvous(bind: "tcp://*:7200", seen: [("a", nil)], own: own) }
    }

    @Test func probesHearTheirOwnLauncherOnly() throws {
        let listener = try ProbeListener(host: "127.0.0.1", port: 0, word: "a word\n")
        #expect(ProbeAddress(host: "127.0.0.1", port: listener.port, word: "a word\n").problem() == nil)
        #expect(
            ProbeAddress(host: "127.0.0.1", port: listener.port, word: "another\n").problem()?.contains(
                "something else")
                == true)
        let error = try #require(throws: SelMixError.self) {
            try ProbeListener(host: "127.0.0.1", port: listener.port, word: "x")
        }
        #expect(error.message == "the port \(listener.port) of 127.0.0.1 is in use")
        listener.stop()
        #expect(ProbeAddress(host: "127.0.0.1", port: listener.port, word: "x").problem()?.contains("refused") == true)
        #expect(ProbeAddress(host: "no-such-host.invalid", port: 1, word: "x").problem() != nil)
    }
}
