/// A command of this machine whose standard input and output are those of an agent somewhere.
struct AgentCommand: Sendable, Equatable {
    /// Looked up on the PATH unless it has a slash.
    var program: String
    var arguments: [String]
}

/// How commands are started on hosts.
public enum HostTransport: Sendable {
    case ssh(SSHSettings)
    /// From inside an allocation.
    case slurm(SlurmAllocation)

    /// What starts an agent on a host, where `program` is the path of `selmix` there.
    func agent(on host: LaunchHost, program: RemoteProgram, patience: Duration) -> AgentCommand {
        let arguments = ["agent", "--patience", "\(max(3, Int(patience.seconds)))"]
        return switch self {
        case .slurm(let allocation):
            allocation.command(on: host, [program.path] + arguments)
        case .ssh where host.isThisMachine:
            AgentCommand(program: program.path, arguments: arguments)
        case .ssh(let settings):
            settings.command(on: host, program.command(arguments))
        }
    }
}

/// Where `selmix` is on a host.
enum RemoteProgram: Sendable, Equatable {
    case installed(path: String)
    /// Copied there by the launcher, with its libraries.
    case shipped(Shipment.Name, local: String)

    /// The path for a start without a shell.
    var path: String {
        switch self {
        case .installed(let path): path
        case .shipped(_, let local): local
        }
    }

    /// The text that a shell on the host runs.
    func command(_ arguments: [String]) -> String {
        switch self {
        case .installed(let path): "exec " + ShellQuoting.join([path] + arguments)
        case .shipped(let name, _): name.command(arguments)
        }
    }
}
