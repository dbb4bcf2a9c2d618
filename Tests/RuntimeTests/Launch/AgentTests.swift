import Foundation
import Testing

@testable import Runtime

@Suite struct AgentTests {
    @Test func linesAreReadBack() throws {
        let order = AgentOrder.start(
            WorkerOrder(name: "node-1", control: "tcp://[fd00::1]:1", bulk: "x\u{2028}\ny\"\\", environment: ["A": "é"])
        )
        let line = String(decoding: AgentLine.encode(order), as: UTF8.self)
        #expect(line.hasSuffix("\n") && line.dropLast().allSatisfy { $0 != "\n" })
        guard case .start(let read)? = AgentLine.decode(line.dropLast(), as: AgentOrder.self),
            case .start(let sent) = order
        else {
            Issue.record("\(line)")
            return
        }
        #expect(read == sent)
    }

    @Test func whatALoginShellPrintsIsNoMessage() {
        let line = String(decoding: AgentLine.encode(AgentReport.pong(3)), as: UTF8.self)
        for text in [
            "", "Welcome to node1", String(line.dropFirst()), AgentLine.mark, AgentLine.mark + "{", " " + line,
        ] {
            #expect(AgentLine.decode(text, as: AgentReport.self) == nil, "\(text)")
        }
    }

    @Test func garbageNeverTraps() {
        var random = SystemRandomNumberGenerator()
        let line = Array(
            AgentLine.encode(
                AgentReport.hello(HostFacts.here(environment: ["SSH_CONNECTION": "10.0.0.1 2 10.0.0.2 22"]))))
        for _ in 0..<5_000 {
            var bytes = line
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: AgentLine.mark.utf8.count..<bytes.count, using: &random)] = .random(in: 0...255)
            }
            _ = AgentLine.decode(String(decoding: bytes, as: UTF8.self), as: AgentReport.self)
        }
    }

    @Test func theLaunchersAddressComesFromWhoStartedTheAgent() {
        #expect(HostFacts.launcherAddress(["SSH_CONNECTION": "fd00::1 40000 fd00::2 22"]) == "fd00::1")
        #expect(HostFacts.launcherAddress(["SLURM_LAUNCH_NODE_IPADDR": "10.0.0.9"]) == "10.0.0.9")
        #expect(HostFacts.launcherAddress([:]) == nil)
    }

    @Test func commandsSurviveAnyShell() throws {
        for word in ["plain", "two words", "it's", "", "$HOME", "a;b", "*", "-x", "\\", "\"", "é"] {
            let shell = Process()
            let pipe = Pipe()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            shell.arguments = ["-c", "printf %s " + ShellQuoting.quote(word)]
            shell.standardOutput = pipe
            try shell.run()
            let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            shell.waitUntilExit()
            #expect(text == word)
        }
    }

    @Test func sshIsAskedNoQuestionsAndTheUserComesFirst() {
        let ssh = SSHSettings(configFile: "my config", options: ["ConnectTimeout=3"])
        let command = ssh.command(on: LaunchHost("node", user: "anna", port: 2222), "exec true")
        #expect(command.program == "ssh")
        #expect(command.arguments.prefix(4) == ["-F", "my config", "-o", "ConnectTimeout=3"])
        #expect(command.arguments.contains("BatchMode=yes"))
        #expect(command.arguments.suffix(7) == ["-p", "2222", "-l", "anna", "--", "node", "exec true"])
    }

    @Test(arguments: [
        (255, "ssh: Could not resolve hostname nod: Name or service not known", "the name is not known"),
        (255, "Host key verification failed.", "its host key is not known"),
        (255, "anna@node: Permission denied (publickey).", "without a password"),
        (255, "ssh: connect to host node port 22: Connection refused", "nothing listens"),
        (255, "ssh: connect to host node port 22: Connection timed out", "does not answer"),
        (127, "bash: line 1: /opt/selmix: No such file or directory", "there is no selmix"),
        (126, "bash: /opt/selmix: Permission refused", "cannot be run"),
        (1, "something else", "something else"),
    ])
    func failuresToStartAreTold(status: Int32, line: String, reason: String) {
        let failure = StartFailure(command: "ssh", status: .exited(status), lines: ["a banner", line])
        #expect(failure.reason.contains(reason), "\(failure)")
        #expect(failure.hint != nil || status == 1)
    }

    @Test func aShipmentLeavesGlibcBehind() throws {
        let paths = try Shipment.paths(
            ldd: """
                \tlinux-vdso.so.1 (0x00007ffd)
                \tlibzmq.so.5 => /lib/x86_64-linux-gnu/libzmq.so.5 (0x00007f)
                \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)
                \t/lib64/ld-linux-x86-64.so.2 (0x00007f)
                \tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f)
                """, program: "selmix")
        #expect(
            paths == ["/lib/x86_64-linux-gnu/libzmq.so.5", "/lib/x86_64-linux-gnu/libstdc++.so.6"])
        #expect(throws: (any Error).self) {
            try Shipment.paths(ldd: "\tlibdnnl.so.2 => not found\n", program: "selmix")
        }
    }
}

@Suite struct HandedKeysTests {
    @Test func areTheirOwnersAloneAndGoWithTheAgent() throws {
        let run = try RunKeys(hosts: ["a", "b-2222"])
        let files = run.files(for: "b-2222")
        #expect(Set(files.keys) == ["coordinator.public", "workers/b-2222.secret"])
        #expect(files["workers/b-2222.secret"] != run.files(for: "a")["workers/a.secret"])
        var keys: HandedKeys? = try HandedKeys(files)
        let path = try #require(keys?.path)
        for (name, mode) in [("", 0o700), ("workers", 0o700), ("workers/b-2222.secret", 0o600)] {
            let found = try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int
            #expect(found == mode, "\(name)")
        }
        // As a worker reads them.
        #expect(try KeyDirectory(path: path).worker("b-2222/3").name == "b-2222/3")
        keys = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(arguments: ["../x", "/etc/x", "a/b/c", "", ".x", "a/../b"])
    func otherPlacesAreRefused(name: String) {
        #expect(throws: (any Error).self) { try HandedKeys([name: "x"]) }
    }
}
