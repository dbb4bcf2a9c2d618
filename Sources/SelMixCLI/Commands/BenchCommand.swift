import ArgumentParser
import Runtime

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "The program's own figures on this machine.",
        subcommands: [
            Gain.self, Draws.self, Validation.self, Kernels.self, Step.self, Aggregate.self, AggregateSender.self,
            Transport.self, Baselines.self,
        ])

    struct Draws: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Drawing class pairs from a distribution.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "Pairs to draw.")
        var draws = 1_000_000
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            try BenchCommand.checkShape(classes: classes, dimension: 1)
            if draws < 1 { throw ValidationError("--draws is \(draws); it must be at least 1") }
        }

        func run() throws {
            let result = try DrawsBench(classes: classes, draws: draws)
            if json { return print(try JSONText.of(result)) }
            print(
                "a pair of \(classes) x \(classes): \(BenchCommand.rounded(result.nanosecondsPerPair, 1)) ns; all tables: "
                    + "\(BenchCommand.rounded(result.secondsForAllTables, 4)) s")
        }
    }

    static func checkShape(classes: Int, dimension: Int) throws {
        if !(2...20_000).contains(classes) {
            throw ValidationError("--classes is \(classes); it must be from 2 to 20000")
        }
        if !(1...65_536).contains(dimension) {
            throw ValidationError("--dimension is \(dimension); it must be from 1 to 65536")
        }
    }

    static func checkThreads(_ threads: Int) throws {
        if !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be from 1 to 1024")
        }
    }

    static func rounded(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return "\((value * scale).rounded() / scale)"
    }
}
