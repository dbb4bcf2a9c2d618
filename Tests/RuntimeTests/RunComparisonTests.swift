import Testing

@testable import Runtime

/// What tells compared runs apart.
@Suite struct RunComparisonTests {
    @Test(arguments: [
        (["a", "b"], ["x/1", "x/2"], ["a", "b"]),
        // Of a sweep's names only what differs stays.
        (["job, seed=0", "job, seed=1"], ["s/0", "s/1"], ["seed=0", "seed=1"]),
        (["job, p=1, seed=0", "job, p=2, seed=0"], ["s/0", "s/1"], ["p=1, seed=0", "p=2, seed=0"]),
        (["job", "job, seed=0"], ["s/0", "s/1"], ["job", "job, seed=0"]),
        // One name twice: as much of the paths as it takes.
        (["job", "job"], ["runs/a", "runs/b"], ["a", "b"]),
        (["job", "job", "job"], ["/x/a/run", "/x/b/run/", "/y/a/run"], ["x/a/run", "x/b/run", "y/a/run"]),
        (["job", "job"], ["/x/run", "/x/run"], ["/x/run (1)", "/x/run (2)"]),
    ])
    func labels(names: [String], directories: [String], labels: [String]) {
        #expect(RunComparison.labels(names: names, directories: directories) == labels)
    }

    @Test func settingsThatDiffer() throws {
        let jobs = try ["seed: 1", "seed: 2"].map { try JobFileTests.parse($0) }
        #expect(RunComparison.differences([jobs[0], jobs[0]]).isEmpty)
        #expect(
            RunComparison.differences(jobs) == [RunComparison.Setting(key: "seed", values: ["1", "2"])])
    }
}
