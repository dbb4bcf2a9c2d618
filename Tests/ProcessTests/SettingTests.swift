import Foundation
import Testing

/// Settings that change what a run computes, each through the whole program.
@Suite struct SettingTests {
    static let objectives = [
        "mean-recall", "min-recall", "g-mean", "h-mean", "min-head-tail-recall", "mean-recall-coverage",
        "h-mean-coverage", "mean-recall-head-tail-coverage", "h-mean-head-tail-coverage",
    ]

    /// The best round is kept, so an objective never ends below its start on validation.
    @Test(arguments: objectives)
    func everyObjectiveEndsNoLowerThanItBegan(name: String) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let result = try Program.run(shortJob(output: run.path, workers: 1) + ["--set", "objective.name=\(name)"])
        try #require(result.status == 0, "\(result.errors)")
        let history = try #require(try run.json("report.json")["history"] as? [[String: Any]])
        let values = history.compactMap { $0["objective"] as? Double }
        let best = try #require(try run.json("report.json")["bestRound"] as? Int)
        #expect(values.count == 9)
        #expect(values[best] == values.max())
        #expect(values[best] >= values[0])
    }

    @Test func groupsAreReported() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let groups = ["objective.name=worst-group-recall", "objective.groups=[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]"]
        let result = try Program.run(
            shortJob(output: run.path, workers: 1) + groups.flatMap { ["--set", $0] })
        try #require(result.status == 0, "\(result.errors)")
        let report = try run.json("report.json")
        let before = try #require((report["before"] as? [String: Any])?["test"] as? [String: Any])
        let after = try #require((report["after"] as? [String: Any])?["test"] as? [String: Any])
        let (old, new) = (
            try #require(before["worstGroupRecall"] as? Double), try #require(after["worstGroupRecall"] as? Double)
        )
        #expect(new > old)

        let overlapping = try Program.run(
            shortJob(output: folder.path("other"))
                + ["--set", groups[0], "--set", "objective.groups=[[0, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]]"])
        #expect(overlapping.status == 3)
        #expect(overlapping.errors.contains("class 1 is in group 0 and in group 1"), "\(overlapping.errors)")
    }

    @Test func semiSupervisedBytesDoNotDependOnTheWorkersNorOnTheirDeaths() throws {
        let folder = try TemporaryFolder()
        let job = Program.digits.deletingLastPathComponent().appendingPathComponent("digits-semi/h-mean.yaml").path
        func arguments(_ run: RunFolder, workers: Int) -> [String] {
            ["train", job, "--workers", "\(workers)", "--quiet", "--set", "output=\(run.path)", "--set", "batch=256"]
        }
        let single = RunFolder(path: folder.path("single"))
        let first = try Program.run(arguments(single, workers: 1))
        try #require(first.status == 0, "\(first.errors)")

        let disturbed = RunFolder(path: folder.path("disturbed"))
        let train = try RunningProgram(arguments(disturbed, workers: 3))
        try eventually("step 200") { disturbed.lastStep >= 200 }
        kill(try #require(disturbed.workers["local-3"]), SIGKILL)
        #expect(train.waitForExit() == 0, "\(train.errors)")
        #expect(disturbed.stepDigests == single.stepDigests)
        let counts = try #require(try single.json("report.json")["pseudoLabelCounts"] as? [Int])
        #expect(counts.count == 10 && counts.reduce(0, +) == 365)
    }

    /// The first step already mixes with unlabelled samples: the pseudo-labels are there before the first weights change.
    @Test func theFirstStepUsesThePseudoLabels() throws {
        let folder = try TemporaryFolder()
        let job = Program.digits.deletingLastPathComponent().appendingPathComponent("digits-semi/h-mean.yaml").path
        var digests: [[String]] = []
        for (name, unlabeled) in [("with", []), ("without", ["--set", "data.unlabeled=null"])] {
            let run = RunFolder(path: folder.path(name))
            let result = try Program.run(
                [
                    "train", job, "--workers", "2", "--quiet", "--set", "output=\(run.path)", "--set",
                    "selmix.rounds=1", "--set", "selmix.stepsPerRound=1",
                ] + unlabeled)
            try #require(result.status == 0, "\(result.errors)")
            digests.append(run.stepDigests)
        }
        #expect(digests[0].count == 1 && digests[1].count == 1)
        #expect(digests[0] != digests[1])
    }

    @Test func aSemiSupervisedRunGoesOnToTheSameBytes() throws {
        let folder = try TemporaryFolder()
        let job = Program.digits.deletingLastPathComponent().appendingPathComponent("digits-semi/h-mean.yaml").path
        func arguments(_ run: RunFolder, workers: Int) -> [String] {
            [
                "train", job, "--workers", "\(workers)", "--quiet", "--resume", "--set", "output=\(run.path)", "--set",
                "batch=256", "--set", "selmix.rounds=20",
            ]
        }
        let whole = RunFolder(path: folder.path("whole"))
        let first = try Program.run(arguments(whole, workers: 1))
        try #require(first.status == 0, "\(first.errors)")
        let killed = RunFolder(path: folder.path("killed"))
        let train = try RunningProgram(arguments(killed, workers: 3))
        try eventually("step 320") { killed.lastStep >= 320 }
        train.send(SIGKILL)
        _ = train.waitForExit()
        let rest = try Program.run(arguments(killed, workers: 2))
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(killed.stepDigests == whole.stepDigests)
    }

    @Test func baselinesAreComparedAndSelMixIsWritten() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let result = try Program.run(shortJob(output: run.path, workers: 1) + ["--set", "baselines=true"])
        try #require(result.status == 0, "\(result.errors)")
        let report = try run.json("report.json")
        let lines = try #require(report["baselines"] as? [[String: Any]])
        #expect(
            lines.compactMap { $0["name"] as? String } == [
                "input-head", "logit-adjustment", "tau-normalization", "learnable-weight-scaling", "bias-ascent",
                "plug-in-minimax", "last-layer-retraining", "gml", "classifier-retraining", "logit-adjusted-training",
                "over-smoothing", "uniform-mixup", "class-balanced", "resampling", "selmix",
            ])
        #expect(lines.map { $0["written"] as? Bool } == [Bool](repeating: false, count: 14) + [true])
        let before = try #require((report["before"] as? [String: Any])?["test"] as? NSDictionary)
        let after = try #require((report["after"] as? [String: Any])?["test"] as? NSDictionary)
        #expect(lines.first?["test"] as? NSDictionary == before)
        #expect(lines.last?["test"] as? NSDictionary == after)
        #expect(result.output.contains("logit adjustment, post hoc"))
        // Every other row says how far this run is ahead of it, and leaves its head.
        for line in lines.dropLast() {
            let comparison = try #require(line["selmixLess"] as? [String: Any])
            #expect(comparison["validation"] is [String: Any] && comparison["test"] is [String: Any])
            let name = try #require(line["name"] as? String)
            let file = name == "plug-in-minimax" ? "lottery.safetensors" : "head.safetensors"
            #expect(FileManager.default.fileExists(atPath: "\(run.path)/baselines/\(name)/\(file)"))
        }
        let verdict = try #require(report["verdict"] as? [String: Any])
        let others = lines.dropLast().compactMap { $0["objective"] as? Double }
        let best = try #require(lines.first { $0["name"] as? String == verdict["best"] as? String })
        #expect(best["objective"] as? Double == others.max())
        #expect(result.output.contains("the best of the others on validation"))
    }

    /// Rows that do not depend on the objective are computed in the first run and shown in both.
    @Test func aSweepOverObjectivesTrainsSharedBaselinesOnce() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run(
            ["sweep"] + shortJob(output: folder.path("run"), workers: 1).dropFirst()
                + ["--set", "baselines=true", "--vary", "objective=h-mean,g-mean"])
        try #require(result.status == 0, "\(result.errors)")
        let sweep = try RunFolder(path: folder.path("run-sweep")).json("sweep.json")
        let runs = try #require(sweep["runs"] as? [[String: Any]])
        let tables = runs.compactMap { $0["baselines"] as? [[String: Any]] }
        #expect(tables.count == 2)
        func test(_ table: [[String: Any]], _ name: String) -> NSDictionary? {
            table.first { $0["name"] as? String == name }?["test"] as? NSDictionary
        }
        for name in ["gml", "classifier-retraining", "logit-adjusted-training", "over-smoothing", "uniform-mixup"] {
            let first = try #require(test(tables[0], name))
            #expect(first == test(tables[1], name))
            let head = folder.path("run-sweep/g-mean/baselines/\(name)/head.safetensors")
            #expect(FileManager.default.fileExists(atPath: head))
        }
        #expect(result.errors.components(separatedBy: "baseline: logit-adjusted training").count == 2)
        #expect(result.output.contains("best of the others"))
    }

    @Test func convergenceStopsEarly() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let result = try Program.run(
            shortJob(output: run.path, workers: 1)
                + ["--set", "selmix.rounds=400", "--set", "selmix.convergence={rounds: 3, tolerance: 0.5}"])
        try #require(result.status == 0, "\(result.errors)")
        let report = try run.json("report.json")
        #expect(report["outcome"] as? String == "converged")
        #expect(try #require(report["rounds"] as? Int) < 400)
    }

    @Test func thePublishedPresetRuns() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let result = try Program.run(shortJob(output: run.path, workers: 1) + ["--set", "preset=published"])
        #expect(result.status == 0, "\(result.errors)")
    }
}
