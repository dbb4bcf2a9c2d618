import ArgumentParser
import Runtime

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "The program's own figures on this machine.",
        subcommands: [Gain.self, Draws.self])

    struct Gain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The gain of all class pairs, beside the rate of plain matrix products.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws { try BenchCommand.checkShape(classes: classes, dimension: dimension) }

        func run() throws {
            let result = try GainBench(classes: classes, dimension: dimension)
            if json { return print(try JSONText.of(result)) }
            let share = Int((100 * result.gflops / result.peakGflops).rounded())
            print(
                "gain of \(classes) x \(classes) pairs, d = \(dimension): \(BenchCommand.rounded(result.seconds, 4)) s, "
                    + "\(Int(result.gflops)) GFLOP/s, \(share) % of a plain product's \(Int(result.peakGflops))")
        }
    }

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

    fileprivate static func checkShape(classes: Int, dimension: Int) throws {
        if !(2...20_000).contains(classes) {
            throw ValidationError("--classes is \(classes); it must be from 2 to 20000")
        }
        if !(1...65_536).contains(dimension) {
            throw ValidationError("--dimension is \(dimension); it must be from 1 to 65536")
        }
    }

    fileprivate static func rounded(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return "\((value * scale).rounded() / scale)"
    }
}
