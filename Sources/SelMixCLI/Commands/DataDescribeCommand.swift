import ArgumentParser
import Foundation
import Runtime

struct DataDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "What a job's data set looks like, and what of it a run would refuse.")

    @OptionGroup var job: JobOptions
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    func run() throws {
        let description = try DataDescription(job.load())
        print(json ? try JSONText.of(description) : Self.text(description))
    }

    static func text(_ data: DataDescription) -> String {
        var lines = ["\(data.name): \(data.classes) classes, features of \(data.dimension) dimensions", ""]
        let titles = [
            "split", "samples", "type", "size", "largest", "median", "smallest", "imbalance", "norm", "zeros",
        ]
        lines += table([titles] + data.splits.map(cells))
        lines.append("")
        for (name, group) in [("head", data.head), ("tail", data.tail)] {
            guard let group else { continue }
            lines.append(
                "\(name)  \(group.classes) classes of \(group.largest) to \(group.smallest) training samples, \(group.trainSamples) "
                    + "in all")
        }
        lines += ["", "classes by training samples"]
        let most = data.classSizeHistogram.map(\.classes).max() ?? 1
        lines += table(
            data.classSizeHistogram.map { bin in
                // A bar for every bin that is not empty.
                let length = (bin.classes * 50 + most - 1) / max(1, most)
                return ["\(bin.from)-\(bin.to)", "\(bin.classes)", String(repeating: "#", count: length)]
            })
        lines.append("")
        if let first = data.scarceClasses.first {
            lines.append(
                "\(data.scarceClasses.count) classes have fewer than \(RunReport.fewestToMeasure) validation rows"
                    + " (the first is class \(first)): their recalls are hardly measured")
        }
        if data.problems.isEmpty {
            lines.append("no problems found; `selmix evaluate` tells the head's metrics")
        } else {
            lines += data.problems.map { "problem: \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    private static func cells(_ split: SplitDescription) -> [String] {
        let sizes = [
            split.largestClass.map(String.init), split.medianClass.map(figure), split.smallestClass.map(String.init),
            split.imbalance.map(figure),
        ]
        let norms = "\(figure(split.meanNorm)) (\(figure(split.smallestNorm)) to \(figure(split.largestNorm)))"
        let zeros = Int((100 * split.zeroShare).rounded())
        return [split.name, "\(split.samples)", split.dataType, ByteCount.text(split.bytes)] + sizes.map { $0 ?? "" }
            + [norms, "\(zeros) %"]
    }

    private static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .replacing(/\s+$/, with: "")
        }
    }

    /// Three digits, and no more than are needed.
    private static func figure(_ value: Double) -> String {
        let isWhole = value < 1e15 && (value >= 100 || value == value.rounded())
        return isWhole ? "\(Int(value.rounded()))" : String(format: "%.3g", value)
    }
}
