import Coordination

/// What a launcher tells the agent of a host.
enum AgentOrder: Codable, Sendable {
    /// Look whether this host can take part; answered by ``AgentReport/checked(_:)``.
    case check(HostCheck)
    case start(WorkerOrder)
    /// Answered by ``AgentReport/pong(_:)``. An agent that hears none for long ends itself and its workers.
    case ping(UInt64)
    /// The run is over: let the workers leave by themselves for a moment, then end.
    case leave
}

/// What an agent tells its launcher.
enum AgentReport: Codable, Sendable {
    /// The first line, without being asked.
    case hello(HostFacts)
    case checked(HostFindings)
    /// A line that a worker wrote to standard error.
    case line(worker: String, text: String)
    case ended(worker: String, WorkerEnd)
    case pong(UInt64)
    /// The agent was told by a signal to end; its workers hand over and leave.
    case leaving(reason: String)
}

/// A worker to be started.
struct WorkerOrder: Codable, Sendable, Equatable {
    var name: String
    /// The coordinator's addresses.
    var control: String
    var bulk: String
    /// Key files by their path in a key directory; empty without encryption. Nothing prints an order.
    var keys: [String: String] = [:]
    /// Whether a network without encryption is all right.
    var isInsecure = false
    /// Further arguments of `selmix worker`. Everyone on the host can read them: no secrets.
    var arguments: [String] = []
    var environment: [String: String] = [:]
}

/// What a host has to have to take part in a run.
struct HostCheck: Codable, Sendable {
    var instructionSet: String
    var tensors: [TensorClaim]
    /// Where the launcher listens while it checks.
    var probes: [ProbeAddress]
}

/// A tensor of the job: at this place, with these bytes.
struct TensorClaim: Codable, Sendable, Equatable {
    /// Such as "/data/digits.safetensors#train.features".
    var reference: String
    var type: String
    var shape: [Int]
    var digest: UInt64
}

/// What a host is, found without knowing the job.
struct HostFacts: Codable, Sendable {
    var version: String
    /// Of oneDNN.
    var matrixLibrary: String
    var bestInstructionSet: String
    var host: String
    var processID: Int32
    var cores: Int
    /// Seconds since 1970 by the host's clock.
    var clock: Double
    /// This launcher's address as the host sees it; nil where it cannot know.
    var launcherAddress: String?
}

/// What a check found.
struct HostFindings: Codable, Sendable {
    var hasInstructionSet: Bool
    /// Of a few products under the run's instruction set; nil without it.
    var probe: UInt64?
    /// What is wrong with the data, one sentence a tensor or file.
    var data: [String]
    /// What is wrong with the way to the launcher.
    var network: [String]
    /// What is wrong with the temporary directory.
    var disk: String?
}
