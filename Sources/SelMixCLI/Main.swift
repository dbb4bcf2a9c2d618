import ArgumentParser
import Common
import Foundation
import Runtime
import Training

@main
struct Main {
    static func main() async {
        StandardDescriptors.prepare()
        do {
            try ProcessLimits.prepare()
            var command = try SelMixCommand.parseAsRoot(
                UserPath.expanded(arguments: Array(CommandLine.arguments.dropFirst())))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try MappedFiles.checkIntact()
            ErrorOutput.requireOutput()
        } catch {
            ErrorOutput.exit(with: error)
        }
    }
}

struct SelMixCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selmix",
        abstract: "Fine-tunes pre-trained classifiers with SelMix across worker processes.",
        discussion: """
            SelMix (arXiv 2403.18301) fine-tunes the head of a classifier for metrics that are no average over samples: \
            worst-class recall, geometric and harmonic mean of recalls, head/tail balance, coverage.
            """,
        version: VersionText.text,
        subcommands: [
            TrainCommand.self, CoordinatorCommand.self, WorkerCommand.self, StatusCommand.self,
            TopCommand.self, DrainCommand.self, EvaluateCommand.self, GainCommand.self,
            CheckpointCommand.self, DiffCommand.self, ExplainCommand.self, BenchCommand.self,
            DiagnoseCommand.self, SweepCommand.self, ReportCommand.self, DataCommand.self, InitCommand.self,
            KeygenCommand.self,
            LaunchCommand.self, AgentCommand.self,
        ])
}
