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

    /// A file that was edited on Windows, or came from an old Mac, names the same hosts.
    @Test(arguments: ["\n", "\r\n", "\r"]) func lineEndsAndMarksOfOtherSystems(end: String) throws {
        let text = ["# the cluster", "node1 slots=2", "", "node2", "node3 port=222 slots=4"].joined(separator: end)
        let expected = [
            LaunchHost("node1", slots: 2), LaunchHost("node2"), LaunchHost("node3", port: 222, slots: 4),
        ]
        #expect(try HostFile.parse(text, path: "hosts") == expected)
        #expect(try HostFile.parse("\u{feff}" + text, path: "hosts") == expected)
        let wrong = try #require(throws: SelMixError.self) {
            try HostFile.parse("a\(end)b\(end)c slots", path: "hosts")
        }
        #expect(wrong.message.hasPrefix("hosts:3:"))
    }

    /// MPICH and Intel MPI write the slots behind a colon.
    @Test(arguments: ["node1:4", "node1:64", "anna@node1:1024", "[fd00::3]:8"])
    func slotsOfOtherLaunchersAreNoPorts(text: String) throws {
        let error = try #require(throws: SelMixError.self) { try HostFile.parse(text, path: "hosts") }
        let (host, number) = (text[..<text.lastIndex(of: ":")!], text[text.lastIndex(of: ":")!...].dropFirst())
        #expect(error.message == "hosts:1: `\(text)` could mean \(number) workers or the ssh port \(number)")
        #expect(error.hint == "write `\(host) slots=\(number)`, or `\(host) port=\(number)`")
        #expect(try HostFile.parse("\(host) port=\(number)", path: "hosts")[0].port == UInt16(number))
        #expect(try HostFile.parse("\(host) slots=\(number)", path: "hosts")[0].slots == Int(number))
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
        ("node1:2222 port=22", "hosts:1: `port=22` must give the ssh port, once"),
        ("node1 port=0", "hosts:1: `port=0` must give the ssh port"),
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
