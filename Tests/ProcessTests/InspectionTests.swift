import Foundation
import Testing

/// What the event log tells afterwards: `diff`, `explain`, `checkpoint`.
@Suite struct InspectionTests {
    @Test func diffFindsWhereTwoRunsPart() throws {
        let folder = try TemporaryFolder()
        let traced = ["--set", "trace=shards"]
        let (a, b, c) = (folder.path("a"), folder.path("b"), folder.path("c"))
        for (output, workers, more) in [(a, 1, []), (b, 3, []), (c, 2, ["--set", "selmix.mixUntil=0.5"])] {
            let run = try Program.run(shortJob(output: output, workers: workers) + traced + more)
            try #require(run.status == 0, "\(run.errors)")
        }
        let same = try Program.run("diff", a, b)
        #expect(same.status == 0)
        #expect(same.output.contains("the same weights after each of the 160 steps"))

        // Mixing stops at step 80, so that is where they part, in every shard.
        let parted = try Program.run("diff", a, c, "--json")
        #expect(parted.status == 1)
        let found = try #require(JSONSerialization.jsonObject(with: Data(parted.output.utf8)) as? [String: Any])
        #expect(found["firstStep"] as? Int == 80)
        #expect(found["tensors"] as? [String] == ["bias", "weight"])
        #expect(found["shards"] as? [Int] == Array(0..<8))
        #expect((found["settings"] as? [String])?.first?.hasPrefix("selmix.mixUntil: 1 here, 0.5 there") == true)

        let nowhere = try Program.run("diff", a, folder.path("nowhere"))
        #expect(nowhere.status == 3)
    }

    @Test func tracingShardsChangesNoByte() throws {
        let folder = try TemporaryFolder()
        let runs = [RunFolder(path: folder.path("plain")), RunFolder(path: folder.path("traced"))]
        for (run, trace) in zip(runs, ["steps", "shards"]) {
            let result = try Program.run(shortJob(output: run.path, workers: 3) + ["--set", "trace=\(trace)"])
            try #require(result.status == 0, "\(result.errors)")
        }
        #expect(runs[0].stepDigests == runs[1].stepDigests)
    }

    @Test func explainTellsWhoDidWhat() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 3))
        try eventually("step 200") { run.lastStep >= 200 }
        kill(try #require(run.workers["local-2"]), SIGKILL)
        try eventually("the loss of local-2") { !run.events("worker-lost").isEmpty }
        let step = run.lastStep
        try eventually("more steps") { run.lastStep > step + 100 }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)

        let told = try Program.run("explain", run.path)
        #expect(told.output.contains("local-2 was given up: its process was ended by signal 9 (SIGKILL)"))
        let json = try Program.run("explain", run.path, "--json")
        let found = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let workers = try #require(found["workers"] as? [[String: Any]])
        #expect(workers.compactMap { $0["name"] as? String } == ["local-1", "local-2", "local-3"])
        #expect(workers.map { ($0["lost"] as? [String])?.count } == [0, 1, 0])
        let steps = try workers.map { try #require($0["steps"] as? Int) }
        #expect(steps[1] < steps[0] && steps[1] < steps[2])
        let seventh = try Program.run("explain", run.path, "--step", "7")
        #expect(seventh.output.hasPrefix("step 7: local-"))
        #expect(try Program.run("explain", run.path, "--step", "99999999").status == 3)
    }

    @Test func checkpointsAreListedVerifiedAndExported() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let result = try Program.run(shortJob(output: run.path))
        try #require(result.status == 0, "\(result.errors)")
        let listed = try Program.run("checkpoint", "list", run.path)
        #expect(listed.output.split(separator: "\n").count == 3)
        #expect(listed.output.contains("round-000008  before round 8 (step 160)"))
        #expect(try Program.run("checkpoint", "verify", run.path).status == 0)

        let head = folder.path("head.safetensors")
        let exported = try Program.run("checkpoint", "export", run.path, "round-000007", "--output", head)
        try #require(exported.status == 0, "\(exported.errors)")
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        #expect(try Program.run("evaluate", job, "--head", head).status == 0)

        let file = run.path + "/checkpoints/round-000008/checkpoint.json"
        try Data(try Data(contentsOf: URL(fileURLWithPath: file)).dropLast(9)).write(to: URL(fileURLWithPath: file))
        let damaged = try Program.run("checkpoint", "verify", run.path)
        #expect(damaged.status == 1)
        #expect(damaged.output.contains("round-000008  damaged: checkpoint round-000008: checkpoint.json"))
    }
}
