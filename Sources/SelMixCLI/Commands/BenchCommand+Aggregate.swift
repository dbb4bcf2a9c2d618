import ArgumentParser
import Foundation
import Runtime
import SelMix

extension BenchCommand {
    /// What aggregation and its senders agree on.
    struct AggregateShape: ParsableArguments {
        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Option(help: "V.")
        var shards = 8
        @Option(help: "Sending processes.")
        var workers = 2
        @Option(help: "float32 or bfloat16.")
        var precision = Precision.float32

        func validate() throws {
            try BenchCommand.checkShape(classes: classes, dimension: dimension)
            if classes * dimension * 4 <= 1 << 20 {
                throw ValidationError("a head of \(classes) x \(dimension) is not sent in slices; choose a larger one")
            }
            if shards < 1 { throw ValidationError("--shards is \(shards); it must be at least 1") }
            if !(1...shards).contains(workers) {
                throw ValidationError("--workers is \(workers); it must be from 1 to --shards, \(shards)")
            }
        }

        var settings: AggregateBench.Settings {
            var settings = AggregateBench.Settings()
            (settings.classes, settings.dimension, settings.shards) = (classes, dimension, shards)
            (settings.workers, settings.precision) = (workers, precision)
            return settings
        }

        var arguments: [String] {
            [
                "--classes", "\(classes)", "--dimension", "\(dimension)", "--shards", "\(shards)", "--workers",
                "\(workers)", "--precision", precision.rawValue,
            ]
        }
    }

    struct Aggregate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Receiving and summing gradients, beside what ZeroMQ moves at most.")

        @OptionGroup var shape: AggregateShape
        @Option(help: "Gradients to receive from every process.")
        var repetitions = 100
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            if repetitions < 1 { throw ValidationError("--repetitions is \(repetitions); it must be at least 1") }
        }

        func run() async throws {
            var settings = shape.settings
            settings.repetitions = repetitions
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let result = try await AggregateBench.run(settings, program: program) { [arguments = shape.arguments] in
                ["bench", "aggregate-sender", "--connect", $0, "--sender", "\($1)"] + ($2 ? ["--raw"] : []) + arguments
            }
            if json { return print(try JSONText.of(result)) }
            let share = Int((100 * result.gigabytesPerSecond / result.rawGigabytesPerSecond).rounded())
            print(
                "aggregation from \(shape.workers) processes: \(BenchCommand.rounded(result.gigabytesPerSecond, 2)) GB/s, \(share) % "
                    + "of ZeroMQ's \(BenchCommand.rounded(result.rawGigabytesPerSecond, 2)) GB/s")
        }
    }

    /// A sending process of ``Aggregate``; lives no longer than it.
    struct AggregateSender: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "aggregate-sender", abstract: "Sends made-up gradients.", shouldDisplay: false)

        @OptionGroup var shape: AggregateShape
        @Option var connect: String
        @Option var sender: Int
        @Flag var raw = false

        func run() throws {
            try Lifeline.attach()
            try AggregateBench.send(shape.settings, to: connect, sender: sender, raw: raw)
        }
    }
}
