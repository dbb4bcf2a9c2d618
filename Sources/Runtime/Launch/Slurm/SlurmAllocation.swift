import Common
import Foundation
import Subprocess

/// The nodes that Slurm has given this process, from its environment.
public struct SlurmAllocation: Sendable, Equatable {
    public var job: String
    /// In Slurm's order, with the workers of each.
    public var hosts: [LaunchHost]
    /// Cores of each node that belong to the allocation.
    public var cores: [String: Int]

    /// - Parameter nodes: the names in `SLURM_JOB_NODELIST`, one by one.
    init(job: String, nodes: [String], environment: [String: String]) throws {
        let tasks = try Self.counts(
            environment["SLURM_TASKS_PER_NODE"] ?? "1", of: "SLURM_TASKS_PER_NODE", nodes: nodes.count)
        let cores = try Self.counts(
            environment["SLURM_JOB_CPUS_PER_NODE"] ?? "1", of: "SLURM_JOB_CPUS_PER_NODE", nodes: nodes.count)
        self.job = job
        hosts = zip(nodes, tasks).map { LaunchHost($0, slots: $1) }
        self.cores = Dictionary(uniqueKeysWithValues: zip(nodes, cores))
    }

    /// The allocation that this process runs in; nil outside of one.
    public static func current(_ environment: [String: String]) async throws -> SlurmAllocation? {
        guard let job = environment["SLURM_JOB_ID"], let list = environment["SLURM_JOB_NODELIST"] else { return nil }
        let result = try await SlurmCommand.run("scontrol", ["show", "hostnames", list])
        return try SlurmAllocation(
            job: job, nodes: result.split(separator: "\n").map(String.init), environment: environment)
    }

    /// Slurm's short form of a number for each node, such as "4(x2),1".
    static func counts(_ text: String, of variable: String, nodes: Int) throws -> [Int] {
        let wrong = SelMixError(.cluster, "\(variable) is `\(text)`, for \(nodes) nodes")
        var counts: [Int] = []
        for part in text.split(separator: ",") {
            let count = part.prefix { $0 != "(" }
            var times = part.dropFirst(count.count)
            if times.isEmpty { times = "(x1)" }
            guard times.hasPrefix("(x"), times.hasSuffix(")"), let count = Int(count), count > 0,
                let times = Int(times.dropFirst(2).dropLast()), times > 0, times <= nodes - counts.count
            else { throw wrong }
            counts += Array(repeating: count, count: times)
        }
        guard counts.count == nodes else { throw wrong }
        return counts
    }

    /// One step of one task on one node, which has all the allocation's cores there: the agent's workers share them.
    func command(on host: LaunchHost, _ words: [String]) -> AgentCommand {
        AgentCommand(
            program: "srun",
            arguments: [
                "--job-name=selmix-agent", "--nodes=1", "--ntasks=1", "--ntasks-per-node=1",
                "--nodelist=\(host.host)", "--cpus-per-task=\(cores[host.host] ?? 1)", "--overlap",
                "--kill-on-bad-exit=0",
            ] + words)
    }
}
