/// The batch script of a launch under Slurm.
///
/// In the allocation it runs the launcher, which leads the run and starts an agent on every node with srun. A minute before
/// the time limit the launcher is told to stop; it leaves a whole checkpoint, and the job goes back into the queue to go on
/// from there, as it does when Slurm requeues it by itself.
public struct SlurmBatchScript: Sendable {
    public var name: String
    /// The path of `selmix`, the same on all nodes.
    public var program: String
    /// What follows `selmix launch` in the allocation.
    public var arguments: [String]
    public var nodes: Int
    public var workersPerNode: Int
    public var coresPerWorker: Int
    /// Where the log goes; "%j" is the job's number.
    public var log: String
    public var timeLimit: String?
    public var partition: String?
    /// Further options of sbatch, each with its dashes.
    public var options: [String]

    public init(
        name: String, program: String, arguments: [String], nodes: Int, workersPerNode: Int, coresPerWorker: Int,
        log: String, timeLimit: String? = nil, partition: String? = nil, options: [String] = []
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.nodes = nodes
        self.workersPerNode = workersPerNode
        self.coresPerWorker = coresPerWorker
        self.log = log
        self.timeLimit = timeLimit
        self.partition = partition
        self.options = options
    }

    public var text: String {
        var settings = [
            "--job-name=selmix-\(name.filter { $0.isLetter || $0.isNumber || "-_.".contains($0) })",
            "--nodes=\(nodes)", "--ntasks-per-node=\(workersPerNode)", "--cpus-per-task=\(coresPerWorker)",
            "--output=\(log)", "--open-mode=append", "--requeue", "--signal=B:TERM@60",
        ]
        if let timeLimit { settings.append("--time=\(timeLimit)") }
        if let partition { settings.append("--partition=\(partition)") }
        settings += options
        return """
            #!/bin/bash
            # Written by `selmix launch --slurm`.
            \(settings.map { "#SBATCH \(Self.quoted($0))" }.joined(separator: "\n"))

            # The signal reaches this shell alone, and is handed on.
            trap 'kill -TERM "$launcher"' TERM
            \(ShellQuoting.join([program, "launch"] + arguments)) &
            launcher=$!
            wait "$launcher"
            status=$?
            while kill -0 "$launcher" 2>/dev/null; do
                wait "$launcher"
                status=$?
            done

            # Stopped before its end, by the time limit and not by scancel: it goes on from its last checkpoint.
            if [ "$status" -eq 130 ] && [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; then
                scontrol requeue "$SLURM_JOB_ID"
            fi
            exit "$status"

            """
    }

    /// An option as sbatch takes it apart: at blanks, and at `#`, but for what stands in quotes.
    static func quoted(_ option: String) -> String {
        let isPlain = option.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:=%,@+*[]".contains($0)) }
        guard !isPlain else { return option }
        return "\"" + option.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// A path as part of ``log``, in which Slurm replaces what follows a percent sign.
    public static func logPath(_ path: String) -> String { path.replacing("%", with: "%%") }

    public func log(ofJob number: String) -> String {
        log.replacing("%j", with: number).replacing("%%", with: "%")
    }

    /// - Returns: the number of the submitted job.
    public func submit(from path: String) async throws -> String {
        try await SlurmCommand.run("sbatch", ["--parsable", path])
            .split(whereSeparator: { $0 == "\n" || $0 == ";" }).first.map(String.init) ?? ""
    }
}
