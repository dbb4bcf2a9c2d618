import ArgumentParser
import Runtime

extension BenchCommand {
    struct Validation: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A validation pass in float32, by as many threads as there would be workers.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Option(help: "Samples of the split.")
        var samples = 20_000
        @Option(help: "Threads that share the shards.")
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
            let result = try ValidationBench(
                classes: classes, dimension: dimension, samples: samples, threads: threads)
            if json { return print(try JSONText.of(result)) }
            print(
                "\(samples) samples x \(dimension) x \(classes) classes, \(threads) thread\(threads == 1 ? "" : "s"): "
                    + "\(BenchCommand.rounded(result.seconds, 4)) s, \(Int(result.samplesPerSecond)) samples/s, "
                    + "\(Int(result.gflops)) GFLOP/s")
        }
    }
}
