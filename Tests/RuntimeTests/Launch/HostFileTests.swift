import Common
import Testing

@testable import Runtime

@Suite struct HostFileTests {
    @Test func readsMPIStyleAndPlainLists() throws {
        let hosts = try HostFile.parse(
            """
            # the cluster
            node1 slots=2
              anna@node2:2222   slots=4   # the big one

            [fd00::3]:2222
            fe80::1%eth0
            localhost\tslots=1
            node4
            node4
            """, path: "hosts")
        #expect(
            hosts == [
                LaunchHost("node1", slots: 2), LaunchHost("node2", user: "anna", port: 2222, slots: 4),
                LaunchHost("fd00::3", port: 2222), LaunchHost("fe80::1%eth0"), LaunchHost("localhost", slots: 1),
                LaunchHost("node4", slots: 2),
            ])
        #expect(hosts.map(\.isThisMachine) == [false, false, false, false, true, false])
    }

    @Test func labelsAreUnique() throws {
        let hosts = try HostFile.parse("localhost\nlocalhost:22\nanna@localhost:22\nb", path: "hosts")
        #expect(hosts.map(\.label) == ["localhost", "localhost-22", "anna-localhost-22", "b"])
        #expect(
            try HostFile.parse("a-22\na:22\na\nfd00::3", path: "hosts").map(\.label) == [
                "a-22", "a-22-2", "a", "fd00--3",
            ])
        #expect(hosts.map(\.isThisMachine) == [true, false, false, false])
    }

    @Test(arguments: [
        ("node1\nnode2 slots=0", "hosts:2: `slots=0` must give a number from 1 to 1024"),
        ("node1 slots", "hosts:1: `slots` is not known here"),
        ("node1 max_slots=4", "hosts:1: `max_slots=4` is not known here"),
        ("node1:4x", "hosts:1: `node1:4x` has no port"),
        ("node1:0", "hosts:1: `node1:0` has no port"),
        ("-oProxyCommand=reboot", "hosts:1: `-oProxyCommand=reboot` is no host"),
        ("-l@node1", "hosts:1: `-l@node1` is no host"),
        ("node1;reboot", "hosts:1: `node1;reboot` is no host"),
        ("@node1", "hosts:1: `@node1` is no host"),
        ("[fd00::3]22", "hosts:1: `[fd00::3]22` is no host"),
        ("# nobody\n\n", "`hosts` names no host"),
    ])
    func saysWhatIsWrongWhere(text: String, message: String) throws {
        let error = try #require(throws: SelMixError.self) { try HostFile.parse(text, path: "hosts") }
        #expect(error.message.hasPrefix(message), "\(error)")
        #expect(error.code == .invalidInput && error.hint != nil || text.contains("slots=0"))
    }

    @Test func garbageNeverTraps() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("node1:@[]%=#- \t\nslots\u{0}é٣")
        for _ in 0..<20_000 {
            let text = String((0..<Int.random(in: 0...24, using: &random)).map { _ in letters.randomElement()! })
            guard let hosts = try? HostFile.parse(text, path: "x") else { continue }
            #expect(
                hosts.allSatisfy { !$0.host.isEmpty && !$0.host.hasPrefix("-") && !$0.host.contains(" ") }, "\(text)")
            #expect(Set(hosts.map(\.label)).count == hosts.count, "\(text)")
        }
    }
}
