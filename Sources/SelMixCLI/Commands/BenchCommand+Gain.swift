import ArgumentParser
import Runtime

extension BenchCommand {
    struct Gain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A round's selection: the gain of all class pairs, beside the rate of plain matrix products.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Option(help: "Threads that share the gain.")
        var threads = 1
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            try BenchCommand.checkShape(classes: classes, dimension: dimension)
            try BenchCommand.checkThreads(threads)
        }

        func run() throws {
            let result = try GainBench(classes: classes, dimension: dimension, threads: threads)
            if json { return print(try JSONText.of(result)) }
            let share = Int((100 * result.gflops / result.peakGflops).rounded())
            print(
                """
                gain of \(classes) x \(classes) pairs, d = \(dimension), \(threads) thread\(threads == 1 ? "" : "s"): \
                \(BenchCommand.rounded(result.seconds, 4)) s, \(Int(result.gflops)) GFLOP/s, \(share) % of a plain \
                product's \(Int(result.peakGflops)) on one
                distribution \(BenchCommand.rounded(result.distributionSeconds, 4)) s, \(result.draws) pairs drawn in \
                \(BenchCommand.rounded(result.drawSeconds, 4)) s, peak memory \(Int(result.peakMemoryMB)) MB
                """)
        }
    }
}
