import SelMix

/// ``SelMix/MixRule/LabelRatio`` in the form of the job file: a name or a range, in YAML as in JSON.
public enum LabelRatioSettings: Sendable, Equatable {
    public enum Name: String, Sendable, Codable, CaseIterable {
        case one
        case same
        case midpoint
    }

    case named(Name)
    case uniform(ClosedRange<Double>)

    static let one = LabelRatioSettings.named(.one)

    public var ratio: MixRule.LabelRatio {
        switch self {
        case .named(.one): .one
        case .named(.same): .same
        case .named(.midpoint): .midpoint
        case .uniform(let range): .uniform(range)
        }
    }
}

extension LabelRatioSettings: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let name = try? value.decode(Name.self) {
            self = .named(name)
        } else {
            self = .uniform(try value.decode(ClosedRange<Double>.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .named(let name): try value.encode(name)
        case .uniform(let range): try value.encode(range)
        }
    }
}
