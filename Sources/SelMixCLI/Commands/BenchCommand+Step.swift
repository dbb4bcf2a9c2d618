import ArgumentParser
import Foundation
import Runtime
import SelMix

extension BenchCommand {
    struct Step: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whole training steps: a coordinator and worker processes on this machine.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Option(help: "B.")
        var batch = 1024
        @Option(help: "V.")
        var shards = 8
        @Option(help: "Worker processes.")
        var workers = 2
        @Option(help: "Heads that take turns; other programs train one.")
        var folds = 1
        @Option(help: "float32 or bfloat16.")
        var precision = Precision.float32
        @Option(help: "Who sums gradients: coordinator or workers.")
        var reduction = ClusterSettings.Reduction.coordinator
        @Option(help: "Training samples to make up.")
        var samples = 32_768
        @Option(help: "Steps to time.")
        var steps = 400
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            try BenchCommand.checkShape(classes: classes, dimension: dimension)
            for (name, value) in [
                ("shards", shards), ("workers", workers), ("steps", steps), ("batch", batch), ("samples", samples),
                ("folds", folds),
            ] where value < 1 {
                throw ValidationError("--\(name) is \(value); it must be at least 1")
            }
            if !batch.isMultiple(of: shards) {
                throw ValidationError("--batch \(batch) is not divisible by --shards \(shards)")
            }
            if samples < classes { throw ValidationError("--samples \(samples) are fewer than --classes \(classes)") }
        }

        func run() async throws {
            var settings = StepBench.Settings()
            (settings.classes, settings.dimension, settings.batch) = (classes, dimension, batch)
            (settings.shards, settings.workers, settings.precision) = (shards, workers, precision)
            settings.folds = folds
            (settings.samples, settings.steps, settings.reduction) = (samples, steps, reduction)
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let log = LogSetup.logger("selmix")
            let result = try await StepBench.run(settings, program: program, log: log)
            if json { return print(try JSONText.of(result)) }
            let shape =
                "\(workers) workers, \(precision.rawValue), batch \(batch), \(classes) classes, d = \(dimension), "
                + (folds > 1 ? "\(folds) folds, " : "") + "summed by the \(reduction.rawValue)"
            let milliseconds = BenchCommand.rounded(result.stepMilliseconds, 2)
            print("\(shape): \(Int(result.samplesPerSecond)) samples/s, \(milliseconds) ms a step")
        }
    }
}

extension Precision: ExpressibleByArgument {}
extension ClusterSettings.Reduction: ExpressibleByArgument {}
