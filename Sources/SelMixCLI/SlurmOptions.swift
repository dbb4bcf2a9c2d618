import ArgumentParser
import Foundation
import Runtime

/// What a batch script asks Slurm for.
struct SlurmOptions: ParsableArguments {
    @Flag(help: "Run under Slurm: in this allocation, or in one that a batch script asks for.")
    var slurm = false
    @Flag(help: "Print the batch script, and end.")
    var dryRun = false
    @Option(help: "Nodes to ask for.")
    var nodes = 1
    @Option(help: "Workers on each node; by default the run's shards, dealt over the nodes.")
    var workersPerNode: Int?
    @Option(help: "Cores for each worker.")
    var coresPerWorker = 1
    @Option(help: "The time limit, as for sbatch.")
    var time: String?
    @Option(help: "The partition, as for sbatch.")
    var partition: String?
    @Option(
        parsing: .singleValue, help: "A further option of sbatch, such as --account=lab; may be given several times.")
    var sbatchOption: [String] = []

    func validate() throws {
        for (name, value) in [
            ("nodes", nodes), ("workers-per-node", workersPerNode ?? 1), ("cores-per-worker", coresPerWorker),
        ] where !(1...4096).contains(value) {
            throw ValidationError("--\(name) is \(value); it must be from 1 to 4096")
        }
        for option in sbatchOption + [time ?? "", partition ?? ""] where option.contains("\n") {
            throw ValidationError("an option of sbatch is one line")
        }
        for option in sbatchOption where !option.hasPrefix("-") {
            throw ValidationError("--sbatch-option is `\(option)`; write it with its dashes, such as --account=lab")
        }
        if dryRun, !slurm { throw ValidationError("--dry-run prints a batch script; add --slurm") }
    }

    func script(
        name: String, program: String, arguments: [String], shards: Int, output: String
    ) throws -> SlurmBatchScript {
        guard !output.contains(where: \.isNewline) else {
            throw ValidationError("`output` has a line break, which a batch script cannot have")
        }
        return SlurmBatchScript(
            name: name, program: program, arguments: arguments, nodes: nodes,
            workersPerNode: workersPerNode ?? max(1, (shards + nodes - 1) / nodes), coresPerWorker: coresPerWorker,
            log: SlurmBatchScript.logPath(output) + "-%j.log", timeLimit: time, partition: partition,
            options: sbatchOption)
    }
}
