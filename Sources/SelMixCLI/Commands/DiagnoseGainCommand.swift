import ArgumentParser
import Foundation
import Runtime

struct DiagnoseGainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gain", abstract: "Is the gain estimate honest? Compares it with what small true steps do.",
        discussion: """
            Computes the gains of a round for the head from which training starts, the mean of the folds' heads, takes a \
            small step on each of some class pairs, and compares what it does to the objective with what the gain says. \
            Writes gain-diagnosis.json and gain-diagnosis.html.
            """)

    @OptionGroup var job: JobOptions
    @Option(help: "Class pairs to measure: half of them among those with the largest gains, half among all.")
    var pairs = 200
    @Option(help: "Of the choice of pairs and of the steps' samples; by default the job's.")
    var seed: UInt64?
    @Option(help: "The head: a .safetensors file with `weight` and `bias`; by default the one of the job file.")
    var head: String?
    @Option(help: "Where to write; by default beside the job's output, with `-diagnosis` behind it.")
    var output: String?
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    func validate() throws {
        if !(3...10_000).contains(pairs) { throw ValidationError("--pairs is \(pairs); it must be from 3 to 10000") }
    }

    func run() throws {
        var job = try job.load(head: head)
        // A head that is named is diagnosed as it is.
        if head != nil { job.selmix.start = .brought }
        let run = try PreparedRun(job)
        let directory = try DiagnosisDirectory(
            creating: output.map { URL(fileURLWithPath: $0).path } ?? job.output + "-diagnosis")
        let showsProgress = isatty(2) == 1
        let report = try GainDiagnosis(pairs: pairs, seed: seed ?? job.seed)(
            run, head: head ?? job.head.weight, file: head,
            progress: { done, total in
                guard showsProgress else { return }
                let text = done < total ? "\r\u{1B}[Kmeasured \(done) of \(total) pairs" : "\r\u{1B}[K"
                StandardError.write(text)
            })
        try report.write(to: directory)
        if json {
            print(try JSONText.of(report))
        } else {
            print(text(report, path: ResultOutput.shownPath(directory.path)))
        }
    }

    private func text(_ report: GainDiagnosisReport, path: String) -> String {
        func shown(_ value: Double?) -> String { value.map { String(format: "%+.3f", $0) } ?? "undefined" }
        let rows =
            report.validationRows == report.validationSamples
            ? "all \(report.validationRows) validation samples"
            : "\(report.validationRows) of \(report.validationSamples) validation samples "
                + "(at most \(report.rowsPerClass) a class)"
        let seen = report.trainedOnValidation ? ", which the head was trained on" : ""
        return """
            \(report.name): gain of \(report.pairs.count) class pairs, estimated and measured
            objective \(report.objective), formula \(report.formula); steps of \(report.slots) mixed samples, measured on \(rows)\(seen)

            rank correlation    \(shown(report.spearman))  (Spearman)
            linear correlation  \(shown(report.pearson))  (Pearson)
            \(report.meaning)

            page     \(path)/gain-diagnosis.html
            figures  \(path)/gain-diagnosis.json
            """
    }
}
