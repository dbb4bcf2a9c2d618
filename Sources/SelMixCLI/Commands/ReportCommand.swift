import ArgumentParser
import Common
import Foundation
import Runtime
import Training

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Makes the report page of a run again, or compares several runs on one page.",
        discussion: """
            Of one run, matrices are made again from its data and its newest checkpoint; the run may have been killed, or \
            still be at work. Several runs are compared by their reports. The directory of a sweep stands for its runs.
            """)

    @Argument(help: ArgumentHelp("Output directories of runs.", valueName: "run"), completion: .directory)
    var directories: [String]
    @Option(
        help: "The page to write; by default report.html in the run's directory, comparison.html here for several.",
        completion: .file(extensions: ["html"]))
    var output: String?

    func run() throws {
        let runs = try directories.flatMap { try SweepReport.runs(below: $0) ?? [$0] }.map { try SavedRun($0) }
        let page = try runs.count == 1 ? runs[0].page() : RunComparison(runs).page()
        let path = output ?? (runs.count == 1 ? runs[0].directory + "/report.html" : "comparison.html")
        try AtomicFile.write(to: path) { sink in
            try Array(page.utf8).withUnsafeBytes { try sink.write($0) }
        }
        print(ResultOutput.shownPath(path))
    }
}
