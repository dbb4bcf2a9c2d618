import Common
import Testing

@testable import Runtime

@Suite struct JobDraftTests {
    /// Whatever a path, a name or a tensor is called, the job file says the same.
    @Test(arguments: [
        "plain", "with space", "a#b", "quote\"d", "back\\slash", "comma, brace} bracket]", "null", "no", "1e3", "-",
        "ünï",
        "colon: value", "tab\there", "*anchor", "'single'", "%percent", "true", "~",
    ])
    func anyNameComesBack(name: String) throws {
        let draft = JobDraft(
            comments: ["for a test"], name: name,
            data: DataFiles(
                train: SplitFiles(features: "\(name).safetensors#\(name).x", labels: "\(name).npy"),
                validation: SplitFiles(features: "a.safetensors#\(name)", labels: "b.npy"),
                unlabeled: UnlabeledFiles(features: "\(name).npy")),
            head: HeadFiles(weight: "\(name).safetensors#w", bias: "h.safetensors#\(name)"), objective: "h-mean",
            rounds: 3, learningRate: 0.01, batch: 128, output: name, suggests: true)
        let job = try JobFile.parse(draft.text, path: "/data/job.yaml")
        #expect(job.name == name)
        #expect(job.data.train.features == "/data/\(name).safetensors#\(name).x")
        #expect(job.data.train.labels == "/data/\(name).npy")
        #expect(job.data.validation.features == "/data/a.safetensors#\(name)")
        #expect(job.data.unlabeled?.features == "/data/\(name).npy")
        #expect(job.head.bias == "/data/h.safetensors#\(name)")
        #expect(job.output == "/data/\(name)")
        #expect(job.objective.name == "h-mean" && job.selmix.rounds == 3 && job.batch == 128)
        #expect(job.optimizer.learningRate == 0.01 && job.selmix.stepsPerRound == SelMixSettings().stepsPerRound)
    }

    @Test func smallDataKeepTheDefaultBatch() {
        #expect(JobDraft.batch(samples: 19_999) == nil)
        #expect(JobDraft.batch(samples: 20_000) == 1024)
    }
}
