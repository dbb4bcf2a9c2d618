// The tensors that a job reads. Each is named by a reference "FILE#TENSOR" with an absolute file; an `.npy` file holds one
// tensor and needs no "#TENSOR".

/// The splits of a data set.
public struct DataFiles: Sendable, Codable, Equatable {
    public var train: SplitFiles
    /// What the selection is computed from, and by which the best round is chosen.
    public var validation: SplitFiles
    /// Only reported on.
    public var test: SplitFiles?
    /// Mixed in under pseudo-labels.
    public var unlabeled: UnlabeledFiles?

    public init(
        train: SplitFiles, validation: SplitFiles, test: SplitFiles? = nil, unlabeled: UnlabeledFiles? = nil
    ) {
        (self.train, self.validation, self.test, self.unlabeled) = (train, validation, test, unlabeled)
    }
}

/// One labelled split of N samples.
public struct SplitFiles: Sendable, Codable, Equatable {
    /// [N, d]: float32, float16 or bfloat16.
    public var features: String
    /// [N]: integer.
    public var labels: String

    public init(features: String, labels: String) {
        (self.features, self.labels) = (features, labels)
    }
}

/// N samples that are trained on without their labels.
public struct UnlabeledFiles: Sendable, Codable, Equatable {
    /// [N, d]: float32, float16 or bfloat16.
    public var features: String
    /// [N]: integer; their true classes, where they are known. No loss is taken of them. `selmix.pseudoLabels: given` draws
    /// by them, as the authors did.
    public var labels: String?

    public init(features: String, labels: String? = nil) {
        (self.features, self.labels) = (features, labels)
    }
}

/// The head as brought: K classes over features of dimension d.
public struct HeadFiles: Sendable, Codable, Equatable {
    /// W [K, d].
    public var weight: String
    /// b [K]; nil for a head without one, and then none is trained.
    public var bias: String?

    public init(weight: String, bias: String?) {
        (self.weight, self.bias) = (weight, bias)
    }
}
