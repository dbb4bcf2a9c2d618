import Common
import Subprocess

/// Slurm's own commands, run to their end.
enum SlurmCommand {
    /// - Returns: what it wrote to standard output.
    static func run(_ program: String, _ arguments: [String]) async throws -> String {
        let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
        try SpawnGate.check()
        do {
            result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 16))
        } catch {
            throw SelMixError(
                .cluster, "\(program) cannot be run", hint: "Slurm's commands must be installed and on the PATH",
                cause: "\(error)")
        }
        guard result.terminationStatus.isSuccess else {
            let said = result.standardError.split(separator: "\n").map(String.init)
            throw SelMixError(
                .cluster, "\(program) \(arguments.joined(separator: " ")) failed",
                hint: "is this a machine of the cluster, and is slurmctld up? `sinfo` tells",
                cause: said.last)
        }
        return result.standardOutput
    }
}
