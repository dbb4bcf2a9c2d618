import Common
import Foundation
import Training

/// A job file from data files: which tensor is what, by names and shapes.
///
/// It guesses only where there is one answer: what is missing or ambiguous is an error that lists what was found. What it
/// has guessed is checked as a run would.
public struct JobGuess {
    private let found: [FoundTensor]
    private let jobPath: String

    /// - Parameters:
    ///   - files: .safetensors and .npy files.
    ///   - jobPath: where the job file is to be; references to files below its folder are relative.
    /// - Throws: `invalidInput` when a file cannot be read.
    public init(files: [String], jobPath: String) throws {
        self.jobPath = URL(fileURLWithPath: jobPath).path
        let folder = URL(fileURLWithPath: self.jobPath).deletingLastPathComponent().path
        found = try files.flatMap { path in
            let whole = URL(fileURLWithPath: path).path
            let shown = whole.hasPrefix(folder + "/") ? String(whole.dropFirst(folder.count + 1)) : whole
            let file = try TensorFile.open(path)
            return file.tensors.map { tensor in
                FoundTensor(
                    tensor, path: path, reference: file.names.isEmpty ? shown : "\(shown)#\(tensor.name)")
            }
        }
    }

    /// - Throws: `invalidInput` when something is missing, ambiguous, or does not fit together.
    public func draft(objective: String) throws -> JobDraft {
        let train = try split(.train, required: true)!
        let validation = try split(.validation, required: true)!
        let test = try split(.test, required: false)
        let unlabeled = try features(.unlabeled, required: false)
        let (weight, bias) = try head(dimension: train.features.tensor.shape[1])
        let draft = JobDraft(
            comments: [
                "Written by `selmix init`: \(weight.tensor.shape[0]) classes, features of \(weight.tensor.shape[1]) dimensions, "
                    + "\(train.features.tensor.rowCount) training samples."
            ],
            name: URL(fileURLWithPath: jobPath).deletingPathExtension().lastPathComponent,
            data: DataFiles(
                train: train.files, validation: validation.files, test: test?.files,
                unlabeled: unlabeled.map { UnlabeledFiles(features: $0.reference) }),
            head: HeadFiles(weight: weight.reference, bias: bias?.reference), objective: objective,
            batch: JobDraft.batch(samples: train.features.tensor.rowCount),
            output: "runs/\(URL(fileURLWithPath: jobPath).deletingPathExtension().lastPathComponent)",
            suggests: true)
        try check(draft)
        return draft
    }

    private struct Split {
        var features: FoundTensor
        var labels: FoundTensor
        var files: SplitFiles { SplitFiles(features: features.reference, labels: labels.reference) }
    }

    private func split(_ role: FoundTensor.Role, required: Bool) throws -> Split? {
        guard let features = try features(role, required: required) else { return nil }
        let labels = found.filter { $0.role == role && $0.isLabels && $0.tensor.shape[0] == features.tensor.rowCount }
        guard
            let chosen = try one(
                of: labels, preferring: ["labels", "label", "y", "targets", "target"],
                what: "labels of \(role.rawValue)", required: true)
        else { return nil }
        return Split(features: features, labels: chosen)
    }

    private func features(_ role: FoundTensor.Role, required: Bool) throws -> FoundTensor? {
        try one(
            of: found.filter { $0.role == role && $0.isFeatures }, preferring: ["features", "feature", "feats", "x"],
            what: "features of \(role.rawValue)", required: required)
    }

    /// A matrix [K, d] and a vector [K] that belong to no split; of several, those whose names say weight and bias. Without
    /// such a vector the head has no bias.
    private func head(dimension: Int) throws -> (weight: FoundTensor, bias: FoundTensor?) {
        let unnamed = found.filter { $0.nameRole == nil && $0.tensor.dataType.isFloatingPoint }
        // A folder called `test` may well hold a head; but where there is one beside, matrices in it are features.
        let outside = unnamed.filter { $0.role == nil }
        let free = outside.isEmpty ? unnamed : outside
        let weights = free.filter { $0.tensor.shape.count == 2 && $0.tensor.shape[1] == dimension }
        let weight = try one(
            of: weights, preferring: ["weight", "weights", "w"], what: "head's weight [K, \(dimension)]",
            required: true)!
        let biases = free.filter { $0.tensor.shape == [weight.tensor.shape[0]] }
        let bias = try one(
            of: biases, preferring: ["bias", "b"], what: "head's bias [\(weight.tensor.shape[0])]", required: false)
        return (weight, bias)
    }

    private func one(
        of candidates: [FoundTensor], preferring words: Set<String>, what: String, required: Bool
    ) throws -> FoundTensor? {
        let named = candidates.filter { $0.has(oneOf: words) }
        let left = named.isEmpty ? candidates : named
        if left.count == 1 { return left[0] }
        if left.isEmpty {
            guard required else { return nil }
            let list = found.prefix(20).map(\.description).joined(separator: ", ")
            throw SelMixError(
                .invalidInput, "no tensor is called and shaped like the \(what)",
                hint: "found \(list.isEmpty ? "no tensors" : list); name them like `train.features`, `train.labels`, "
                    + "`weight`, `bias`, or write the job file by hand")
        }
        throw SelMixError(
            .invalidInput,
            "\(left.count) tensors could be the \(what): \(left.prefix(5).map(\.description).joined(separator: ", "))",
            hint: "name only the files that belong to the job, or write the job file by hand")
    }

    /// What a run would say of these shapes and labels; classes without samples are for `data describe` to tell.
    private func check(_ draft: JobDraft) throws {
        let job = try JobFile.parse(draft.text, path: jobPath)
        let catalog = TensorCatalog()
        let shape = try PreparedRun.head(job.head, catalog: catalog).layout["weight"].shape
        for (role, files) in [
            ("train", job.data.train), ("validation", job.data.validation), ("test", job.data.test),
        ] as [(String, SplitFiles?)] {
            guard let files else { continue }
            _ = try LabeledFeatures(
                files, role: role, catalog: catalog, classes: shape[0], dimension: shape[1], needsEveryClass: false)
        }
        _ = try StoredTensor.unlabeled(job, catalog: catalog, dimension: shape[1])
    }
}
