import SelMix

/// What a practitioner would try before SelMix, each with the same data, the same labels and a length at which it is done.
///
/// Some only change what the head that is there decides, or fit a head in one go; the coordinator's process computes them
/// (``PostHocBaselines``). The others are trained, by a run of their own on the same cluster (`Baseline+Training.swift`).
enum Baseline: String, CaseIterable, Sendable {
    case inputHead = "input-head"
    /// b - tau log pi (Menon et al., arXiv 2007.07314).
    case logitAdjustment = "logit-adjustment"
    /// w_k / |w_k|^tau without bias (Kang et al., arXiv 1910.09217).
    case tauNormalization = "tau-normalization"
    /// One factor for each class's logit, learned on class-balanced samples (LWS of Kang et al.).
    case weightScaling = "learnable-weight-scaling"
    /// One bias a class, tuned for the objective itself (``SelMix/BiasAscent``).
    case biasAscent = "bias-ascent"
    /// Decisions from calibrated probabilities, for objectives with a gradient (``SelMix/PlugIn``).
    case frankWolfe = "plug-in-frank-wolfe"
    /// The same for minima over classes or groups.
    case minimax = "plug-in-minimax"
    /// Softmax regression on the validation samples, balanced, pulled towards the logit-adjusted head: last-layer retraining
    /// as "deep feature reweighting" does it (Kirichenko et al., arXiv 2204.02937).
    case lastLayerRetraining = "last-layer-retraining"
    /// Minus the log of the geometric mean of soft recalls (Du and Wu, arXiv 2303.03630), over all rows at once.
    case geometricMeanLoss = "gml"
    /// A new head, trained on class-balanced samples (cRT of Kang et al.).
    case classifierRetraining = "classifier-retraining"
    case logitAdjustedTraining = "logit-adjusted-training"
    /// Targets that are nearly even over the classes: the loss of arXiv 2403.00250, without the recipe that it is part of.
    case overSmoothing = "over-smoothing"
    case uniformMixup = "uniform-mixup"
    /// This run with class-balanced draws in place of selected pairs: what the labels are worth without the selection.
    case classBalanced = "class-balanced"
    /// This run with its own distribution over classes, but without mixing: what is due to the selection of classes alone.
    case resampling = "resampling"

    /// Where its head comes from.
    enum Source: Sendable, Equatable { case coordinator, cluster }

    var source: Source {
        switch self {
        case .inputHead, .logitAdjustment, .tauNormalization, .weightScaling, .biasAscent, .frankWolfe, .minimax,
            .lastLayerRetraining, .geometricMeanLoss:
            .coordinator
        case .classifierRetraining, .logitAdjustedTraining, .overSmoothing, .uniformMixup, .classBalanced, .resampling:
            .cluster
        }
    }

    var title: String {
        switch self {
        case .inputHead: "head as brought"
        case .logitAdjustment: "logit adjustment, post hoc"
        case .tauNormalization: "tau-normalisation"
        case .weightScaling: "learnable weight scaling (LWS)"
        case .biasAscent: "one bias a class, tuned"
        case .frankWolfe: "plug-in, Frank-Wolfe"
        case .minimax: "plug-in, minimax"
        case .lastLayerRetraining: "last-layer retraining (DFR)"
        case .geometricMeanLoss: "geometric-mean loss (GML)"
        case .classifierRetraining: "class-balanced retraining (cRT)"
        case .logitAdjustedTraining: "logit-adjusted training"
        case .overSmoothing: "over-smoothing loss"
        case .uniformMixup: "uniform mixup"
        case .classBalanced: "class-balanced draws"
        case .resampling: "resampling alone"
        }
    }

    /// Whether it can be judged by this objective; each of the two plug-in methods is for some.
    func applies(to objective: any Objective, classes: Int) -> Bool {
        switch self {
        case .frankWolfe: PlugIn(objective, classes: classes).method == .frankWolfe
        case .minimax: PlugIn(objective, classes: classes).method == .minimax
        default: true
        }
    }
}
