import SelMix

/// ``SelMix/Temperature`` in the form of the job file: `{relative: 0.5}` or `{absolute: 0.1}`, in YAML as in JSON.
public enum TemperatureSettings: Sendable, Equatable {
    /// In units of the gain.
    case absolute(Double)
    /// As a fraction of the round's largest gain.
    case relative(Double)

    public var temperature: Temperature {
        switch self {
        case .absolute(let value): .absolute(value)
        case .relative(let value): .relative(value)
        }
    }
}

extension TemperatureSettings: Codable {
    private enum Key: String, CodingKey {
        case absolute, relative
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        if let value = try fields.decodeIfPresent(Double.self, forKey: .absolute) {
            self = .absolute(value)
        } else {
            self = .relative(try fields.decode(Double.self, forKey: .relative))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        switch self {
        case .absolute(let value): try fields.encode(value, forKey: .absolute)
        case .relative(let value): try fields.encode(value, forKey: .relative)
        }
    }
}
