import ArgumentParser
import Common
import Foundation
import Runtime

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What happened in a run: who contributed, who was waited for, who died.")

    @Argument(help: ArgumentHelp("The run's output directory.", valueName: "run"), completion: .directory)
    var directory: String
    @Option(help: "Tell this step alone.")
    var step: Int?
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    func run() throws {
        var explanation = try RunExplanation(run: directory)
        if let step {
            explanation.steps.removeAll { $0.step != step }
            guard !explanation.steps.isEmpty else {
                throw SelMixError(.invalidInput, "\(directory) has no step \(step)")
            }
        }
        if json {
            print(try JSONText.of(explanation))
        } else if step != nil {
            for told in explanation.steps { print(Self.line(told).printable) }
        } else {
            print(Self.table(explanation))
        }
    }

    private static func line(_ step: RunExplanation.Step) -> String {
        let by = step.by.sorted { $0.key < $1.key }.map { "\($0.key) gave \($0.value.joined(separator: " "))" }
        let waited = (step.waitedSeconds * 10000).rounded() / 10
        return
            "step \(step.step): \(by.joined(separator: ", ")); the last was \(step.waitedFor), \(waited) ms after the first"
    }

    private static func table(_ explanation: RunExplanation) -> String {
        var lines = [
            "worker".padding(toLength: 24, withPad: " ", startingAt: 0) + "  steps  waited for  seconds  lost  left"
        ]
        for worker in explanation.workers {
            let numbers = String(
                format: "%7d%12d%9.2f%6d%6d", worker.steps, worker.waitedFor, worker.waitedSeconds, worker.lost.count,
                worker.left)
            lines.append(
                worker.name.padding(toLength: max(24, worker.name.count), withPad: " ", startingAt: 0) + numbers)
        }
        lines += ["", "the longest waits"]
        for step in explanation.steps.sorted(by: { $0.waitedSeconds > $1.waitedSeconds }).prefix(5) {
            lines.append("  " + line(step))
        }
        lines += ["", "what happened"]
        lines += explanation.incidents.map { "  " + $0 }
        // What happened, other machines have said.
        return lines.map(\.printable).joined(separator: "\n")
    }
}
