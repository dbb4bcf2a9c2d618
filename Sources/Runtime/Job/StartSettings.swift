import Training

/// The head or heads from which training starts.
public enum StartSettings: Sendable, Equatable {
    /// Logit adjustment of the head as brought, b - tau log pi (Menon et al., arXiv 2007.07314): head f with the tau that is
    /// best for the objective on the validation rows that it may see.
    case adjusted
    /// The head as brought.
    case brought
    /// The head in a `.safetensors` file, with tensors `weight` and `bias`; the path is absolute.
    case file(String)

    /// - Throws: when a path cannot be made absolute.
    init(_ text: String, in folder: JobFolder) throws {
        switch text {
        case "adjusted": self = .adjusted
        case "brought": self = .brought
        default: self = .file(try folder.absolute(text))
        }
    }

    /// The two tensors of a head file to start from; nil for the other ways to start.
    var head: HeadFiles? {
        guard case .file(let path) = self else { return nil }
        return HeadFiles(weight: path + "#weight", bias: path + "#bias")
    }
}

/// In JSON as in YAML: the word, or the path.
extension StartSettings: Codable {
    public init(from decoder: any Decoder) throws {
        switch try decoder.singleValueContainer().decode(String.self) {
        case "adjusted": self = .adjusted
        case "brought": self = .brought
        case let path: self = .file(path)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .adjusted: try value.encode("adjusted")
        case .brought: try value.encode("brought")
        case .file(let path): try value.encode(path)
        }
    }
}
