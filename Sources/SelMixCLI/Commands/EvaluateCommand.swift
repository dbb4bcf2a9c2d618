import ArgumentParser
import Common
import Runtime
import SelMix

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Metrics of a head on validation and test.")

    @OptionGroup var job: JobOptions
    @Option(
        help:
            "The head: a .safetensors file with `weight` and, unless it has none, `bias`; by default the one of the job file."
    )
    var head: String?
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    private struct Result: Encodable {
        var head: String
        var validation: Metrics
        var test: Metrics?
        var warnings: [String]
    }

    func run() throws {
        let job = try job.load(head: head)
        let run = try PreparedRun(job)
        for warning in run.warnings { StandardError.line("warning: \(warning)") }
        let result = Result(
            head: head ?? job.head.weight,
            validation: run.metrics(try run.evaluate(run.head, on: run.validation)),
            test: try run.test.map { run.metrics(try run.evaluate(run.head, on: $0)) },
            warnings: run.warnings)
        if json {
            print(try JSONText.of(result))
        } else {
            print(
                MetricsTable.text(
                    [("validation", result.validation)] + (result.test.map { [("test", $0)] } ?? [])))
        }
    }
}
