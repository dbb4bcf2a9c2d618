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
        /// `unseen`, `out of fold` or `trained on`.
        var validationRows: JudgedHead.ValidationRows
        var test: Metrics?
        var warnings: [String]
    }

    func run() throws {
        var job = try job.load(head: head)
        // Nothing is trained, so no row has to be kept from a head.
        job.selmix.folds = 1
        let run = try PreparedRun(job)
        let judged = try JudgedHead(of: run, file: head)
        let warnings = run.warnings + (judged.warning.map { [$0] } ?? [])
        for warning in warnings { StandardError.line("warning: \(warning)") }
        let result = Result(
            head: head ?? job.head.weight, validation: judged.validation, validationRows: judged.validationRows,
            test: judged.test, warnings: warnings)
        if json {
            print(try JSONText.of(result))
        } else {
            let rows = judged.validationRows
            var columns = [(rows == .unseen ? "validation" : rows.rawValue, judged.validation)]
            if let test = judged.test { columns.append(("test", test)) }
            print(MetricsTable.text(columns))
        }
    }
}
