import Common

/// Where a tensor is, as a job file writes it: "digits.safetensors#train.features", or "labels.npy".
///
/// The tensor's name starts behind the first ".safetensors#", so that paths and names may themselves contain a "#". A .npy
/// file holds a single array and takes no name; a .safetensors file needs none when it holds a single tensor.
public struct TensorReference: Sendable, Hashable, CustomStringConvertible {
    public var path: String
    /// nil for a .npy file, and for the only tensor of a .safetensors file.
    public var tensor: String?

    /// - Throws: `invalidInput` when this is no reference to a file of a format that we read.
    public init(parsing text: String) throws {
        let separators = TensorFormat.allCases.compactMap { text.firstRange(of: $0.rawValue + "#") }
        if let separator = separators.min(by: { $0.upperBound < $1.upperBound }) {
            path = String(text[..<text.index(before: separator.upperBound)])
            tensor = String(text[separator.upperBound...])
        } else {
            path = text
        }
        try check(text)
    }

    private func check(_ text: String) throws {
        let format = try TensorFormat(path: path)
        guard path != format.rawValue, !path.hasSuffix("/" + format.rawValue) else {
            throw SelMixError(
                .invalidInput, "`\(text)` names no file", hint: "write FILE.safetensors#TENSOR, or FILE.npy")
        }
        if format == .numpy, tensor != nil {
            throw SelMixError(
                .invalidInput, "`\(text)` names a tensor, but a .npy file holds a single array", hint: "write `\(path)`"
            )
        }
        if tensor == "" {
            throw SelMixError(
                .invalidInput, "`\(text)` names no tensor behind the #", hint: "write FILE.safetensors#TENSOR")
        }
    }

    /// The same tensor as seen by someone who writes relative paths from `directory`. Absolute paths stay.
    public func resolved(relativeTo directory: String) -> TensorReference {
        guard !path.hasPrefix("/"), !directory.isEmpty else { return self }
        var resolved = self
        resolved.path = directory.hasSuffix("/") ? directory + path : directory + "/" + path
        return resolved
    }

    public var description: String { tensor.map { "\(path)#\($0)" } ?? path }
}

extension TensorReference: Codable {
    /// From a single string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(parsing: text)
        } catch {
            // Decoders add the place in the job file to this kind of error only; the original travels along.
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\(error)", underlyingError: error))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
