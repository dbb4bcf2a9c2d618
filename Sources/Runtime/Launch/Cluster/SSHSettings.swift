/// How the system's ssh is called. The user's own ssh config applies; what is set here only keeps ssh from asking questions
/// and from waiting for ever.
public struct SSHSettings: Sendable, Equatable {
    /// The ssh client: a name on the PATH, or a path.
    public var client: String
    /// In place of ~/.ssh/config.
    public var configFile: String?
    /// Each as behind `ssh -o`.
    public var options: [String]

    public init(client: String = "ssh", configFile: String? = nil, options: [String] = []) {
        self.client = client
        self.configFile = configFile
        self.options = options
    }

    /// - Parameter text: what a shell on the host runs.
    func command(on host: LaunchHost, _ text: String) -> AgentCommand {
        var arguments: [String] = configFile.map { ["-F", $0] } ?? []
        // ssh takes the first value that it finds, so the user's come first.
        for option in options { arguments += ["-o", option] }
        // The last two end an ssh whose host is out of reach when nobody is there any more to kill it.
        let ours = [
            "BatchMode=yes", "ConnectTimeout=10", "ControlMaster=no", "ServerAliveInterval=10", "ServerAliveCountMax=3",
        ]
        arguments += ["-T", "-x"] + ours.flatMap { ["-o", $0] }
        if let port = host.port { arguments += ["-p", "\(port)"] }
        if let user = host.user { arguments += ["-l", user] }
        return AgentCommand(program: client, arguments: arguments + ["--", host.host, text])
    }
}
