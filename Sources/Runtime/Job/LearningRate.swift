import Common

/// The optimiser's largest learning rate: a number, or `auto` for one that fits the features.
public enum LearningRate: Sendable, Equatable {
    case fixed(Double)
    /// c / E|z|^2 over the training features z: what a step changes in a logit then does not depend on the features' scale.
    case auto

    /// c of ``auto``. That with folds did best on validation of both bundled sets (cluster/README.md); the other has not been
    /// tuned on them.
    ///
    /// - Parameter folds: F. A head that is one of several learns from every F-th step, and takes larger ones.
    static func constant(folds: Int) -> Double { folds > 1 ? 8 : 0.8 }

    /// - Parameter meanSquaredNorm: E|z|^2.
    func value(meanSquaredNorm: Double, folds: Int) -> Double {
        switch self {
        case .fixed(let rate): rate
        case .auto: Self.constant(folds: folds) / max(meanSquaredNorm, .leastNormalMagnitude)
        }
    }
}

extension LearningRate: ExpressibleByFloatLiteral {
    public init(floatLiteral rate: Double) { self = .fixed(rate) }
}

/// In JSON as in YAML: the number, or the word.
extension LearningRate: Codable {
    private static let word = "auto"

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let rate = try? value.decode(Double.self) {
            self = .fixed(rate)
            return
        }
        guard try value.decode(String.self) == Self.word else {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "a number or `\(Self.word)`")
        }
        self = .auto
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .fixed(let rate): try value.encode(rate)
        case .auto: try value.encode(Self.word)
        }
    }

    /// Nil where the section has no such key.
    init?(reading section: JobSection, _ key: String) throws {
        guard let node = section.value(key) else { return nil }
        if case .scalar(Self.word, _) = node.content {
            self = .auto
        } else {
            self = .fixed(try section.number(key, or: 0, .above(0)))
        }
    }
}
