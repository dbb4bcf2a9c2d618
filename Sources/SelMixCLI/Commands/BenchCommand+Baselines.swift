import ArgumentParser
import Runtime

extension BenchCommand {
    struct Baselines: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What the rows of a comparison cost that the coordinator's process computes.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Option(help: "Validation samples.")
        var samples = 20_000
        @Option(help: "Threads.")
        var threads = 2
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            try BenchCommand.checkShape(classes: classes, dimension: dimension)
            try BenchCommand.checkThreads(threads)
            if !(1...1_000_000).contains(samples) {
                throw ValidationError("--samples is \(samples); it must be from 1 to 1000000")
            }
        }

        func run() throws {
            let result = try BaselineBench(classes: classes, dimension: dimension, samples: samples, threads: threads)
            if json { return print(try JSONText.of(result)) }
            let ascents = result.biasAscentSeconds.keys.sorted().map { name in
                "  one bias a class, \(name): \(BenchCommand.rounded(result.biasAscentSeconds[name] ?? 0, 2)) s, "
                    + "\(result.biasAscentPasses[name] ?? 0) passes"
            }
            print(
                ([
                    "\(samples) samples x \(dimension) x \(classes) classes, \(threads) thread\(threads == 1 ? "" : "s")",
                    "  logits: \(BenchCommand.rounded(result.logitSeconds, 2)) s",
                ] + ascents + [
                    "  calibration: \(BenchCommand.rounded(result.calibrationSeconds, 2)) s",
                    "  plug-in: \(BenchCommand.rounded(result.plugInSeconds, 2)) s",
                    "  softmax regression: \(BenchCommand.rounded(result.retrainingSeconds, 2)) s",
                ]).joined(separator: "\n"))
        }
    }
}
