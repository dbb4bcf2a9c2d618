import Simulation
import Synchronization

/// Runs many seeds, some at the same time.
final class Sweep: Sendable {
    struct Result: Sendable {
        var statistics = Statistics()
        var failures: [Simulation.Report] = []
    }

    private let first: UInt64
    private let count: UInt64
    private let canary: Canary?
    private let taken = Atomic<UInt64>(0)

    init(first: UInt64, count: UInt64, canary: Canary?) {
        self.first = first
        self.count = count
        self.canary = canary
    }

    func run(jobs: Int) async -> Result {
        await withTaskGroup(of: Result.self) { group in
            for job in 0..<jobs { group.addTask { self.work(job: job) } }
            var all = Result()
            for await part in group {
                all.statistics.add(part.statistics)
                all.failures += part.failures
            }
            all.failures.sort { $0.seed < $1.seed }
            return all
        }
    }

    private func work(job: Int) -> Result {
        var result = Result()
        while true {
            let index = taken.add(1, ordering: .relaxed).oldValue
            guard index < count else { return result }
            let seed = first + index
            CrashNotice.begin(seed, job: job)
            let report = Simulation.run(seed: seed, canary: canary)
            result.statistics.add(report.statistics)
            guard report.violation != nil else { continue }
            result.failures.append(report)
            if result.failures.count <= 10 { print(Summary.verdict(report, canary: canary)) }
        }
    }
}
