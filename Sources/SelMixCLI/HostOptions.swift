import ArgumentParser
import Runtime

/// The hosts of a launch over ssh, and how they are reached.
struct HostOptions: ParsableArguments {
    @Option(
        name: .customLong("hosts"),
        help: ArgumentHelp(
            "A host a line, such as `anna@node1:22 slots=2`; localhost alone is this machine.", valueName: "file"),
        completion: .file())
    var file: String?
    @Option(parsing: .singleValue, help: "A host as in a host file; may be given several times.")
    var host: [String] = []
    @Option(name: .customLong("ssh"), help: "The ssh client.")
    var client = "ssh"
    @Option(help: "An ssh configuration in place of ~/.ssh/config.", completion: .file())
    var sshConfig: String?
    @Option(parsing: .singleValue, help: "An option as behind `ssh -o`; may be given several times.")
    var sshOption: [String] = []
    @Flag(help: "Copy this program and its libraries to hosts that do not have them yet, to ~/.local/share/selmix.")
    var ship = false

    var areGiven: Bool { file != nil || !host.isEmpty }

    var settings: SSHSettings { SSHSettings(client: client, configFile: sshConfig, options: sshOption) }

    func load() throws -> [LaunchHost] {
        if let file {
            guard host.isEmpty else { throw ValidationError("give --hosts or --host, not both") }
            return try HostFile.load(file)
        }
        return try HostFile.parse(host.joined(separator: "\n"), path: "--host")
    }
}
