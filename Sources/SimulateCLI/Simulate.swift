import ArgumentParser
import Glibc
import Simulation

@main struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract:
            "Runs whole clusters of the production state machines in virtual time, under faults drawn from a seed.",
        discussion: """
            Every seed stands for one run: its cluster, its network, its faults and every chance in it. A seed that fails is \
            printed, and fails again in the same way whenever it is given.
            """)

    @Option(help: "How many seeds to run.")
    var seeds: UInt64 = 1000

    @Option(help: "The first of them.")
    var first: UInt64 = 0

    @Option(help: "Run this seed alone.")
    var seed: UInt64?

    @Flag(help: "With --seed: tell what happens.")
    var trace = false

    @Flag(help: "With --trace: heartbeats and their answers too.")
    var heartbeats = false

    @Option(help: "How many seeds to run at the same time.")
    var jobs = 1

    @Option(
        help: "Build in a defect, which has to be found: \(Canary.allCases.map(\.rawValue).joined(separator: ", ")).")
    var canary: Canary?

    func validate() throws {
        if seeds < 1 || jobs < 1 { throw ValidationError("--seeds and --jobs are at least 1") }
        if trace && seed == nil { throw ValidationError("--trace needs --seed: a trace is told of one run") }
        if heartbeats && !trace { throw ValidationError("--heartbeats needs --trace") }
    }

    func run() async throws {
        CrashNotice.install(jobs: jobs)
        let failures = if let seed { runAlone(seed) } else { await runMany() }
        // A verdict that nobody could read is none.
        if fflush(nil) != 0 || failures > 0 { throw ExitCode.failure }
    }

    private func runAlone(_ seed: UInt64) -> Int {
        CrashNotice.begin(seed, job: 0)
        let write: ((String) -> Void)? = trace ? { print($0) } : nil
        let report = Simulation.run(
            seed: seed, canary: canary, detail: heartbeats ? .everything : .events, trace: write)
        print(Summary.verdict(report, canary: canary))
        return report.violation == nil ? 0 : 1
    }

    private func runMany() async -> Int {
        let clock = ContinuousClock()
        let start = clock.now
        let sweep = Sweep(first: first, count: seeds, canary: canary)
        let result = await sweep.run(jobs: jobs)
        print(Summary.table(result, took: clock.now - start))
        if let failure = result.failures.first { print(Summary.end(of: failure.seed, canary: canary, lines: 40)) }
        return result.failures.count
    }
}

extension Canary: ExpressibleByArgument {}
