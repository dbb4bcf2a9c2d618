import ArgumentParser
import Common
import Foundation
import Runtime

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "The checkpoints of a run: list, verify, export.",
        subcommands: [List.self, Verify.self, Export.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists a run's checkpoints, oldest first.")

        @Argument(help: ArgumentHelp("The run's output directory.", valueName: "run"), completion: .directory)
        var directory: String
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        private struct Result: Encodable {
            var checkpoints: [CheckpointInspection.Entry]
        }

        func run() throws {
            let entries = try CheckpointInspection(run: directory).entries()
            if json {
                print(try JSONText.of(Result(checkpoints: entries)))
            } else {
                for entry in entries { print(Self.line(entry)) }
            }
        }

        static func line(_ entry: CheckpointInspection.Entry) -> String {
            guard let round = entry.nextRound, let step = entry.nextStep else {
                return "\(entry.name)  damaged: \(entry.problem ?? "unreadable")"
            }
            let best = entry.bestRound.map { ", best round so far \($0)" } ?? ""
            return "\(entry.name)  before round \(round) (step \(step))\(best)"
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks every digest of a run's checkpoints; fails when one is damaged.")

        @Argument(help: ArgumentHelp("The run's output directory.", valueName: "run"), completion: .directory)
        var directory: String

        func run() throws {
            let entries = try CheckpointInspection(run: directory).entries()
            for entry in entries { print(List.line(entry)) }
            let damaged = entries.filter { $0.problem != nil }
            guard damaged.isEmpty else {
                throw SelMixError(
                    .failed, "\(damaged.count) of \(entries.count) checkpoints are damaged",
                    hint: "a run that resumes uses the newest one that is whole")
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a checkpoint's head as a .safetensors file of `weight` and `bias`.")

        @Argument(help: ArgumentHelp("The run's output directory.", valueName: "run"), completion: .directory)
        var directory: String
        @Argument(help: "The checkpoint; by default the newest.")
        var name: String?
        @Option(help: "Where to write the head.", completion: .file())
        var output: String
        @Flag(help: "The weights that were trained last, not the best head so far.")
        var last = false

        func run() throws {
            let name = try CheckpointInspection(run: directory).export(name, best: !last, to: output)
            print("\(output) holds the \(last ? "last weights" : "best head so far") of \(name)")
        }
    }
}
