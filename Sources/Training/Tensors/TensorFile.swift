import Common

/// An open .safetensors or .npy file: a mapping, and the tensors found in it.
///
/// Opening reads and checks the header only; data pages are read when a tensor's bytes are first touched. Immutable, so it
/// is shared freely; the tensors that it hands out keep the mapping alive without it.
public final class TensorFile: Sendable {
    /// As it was opened.
    public let path: String
    /// What may stand behind the "#" of a reference to this file, in the order of the data; empty for a .npy file.
    public let names: [String]
    /// All tensors, in the order of the data.
    public let tensors: [StoredTensor]
    /// The strings that came with a safetensors file ("__metadata__").
    public let metadata: [String: String]

    private let positions: [String: Int]
    /// The types of the tensors that cannot be used, by name.
    private let foreign: [String: String]

    /// Maps and checks a file.
    ///
    /// - Throws: `invalidInput` for a file that cannot be read, or is not what its name says.
    public static func open(_ path: String) throws -> TensorFile {
        let format = try TensorFormat(path: path)
        return try TensorFile(path: path, format: format, owner: FileMapping(path: path))
    }

    /// The same from memory, which must not change any more.
    ///
    /// - Parameter path: tells the format by its extension, and names the file in messages; nothing is opened.
    public static func decode(_ bytes: AlignedBuffer, path: String) throws -> TensorFile {
        try TensorFile(path: path, format: TensorFormat(path: path), owner: bytes)
    }

    private init(path: String, format: TensorFormat, owner: any ByteOwner) throws {
        do {
            switch format {
            case .safetensors:
                let content = try SafetensorsDecoder.decode(owner.bytes)
                tensors = content.tensors.map { StoredTensor($0, source: "\(path)#\($0.name)", owner: owner) }
                (names, foreign, metadata) = (tensors.map(\.name), content.foreign, content.metadata)
            case .numpy:
                let fileName = path.split(separator: "/").last ?? ""
                let name = String(fileName.dropLast(format.rawValue.count))
                let content = try NumpyDecoder.decode(owner.bytes, name: name)
                let (entry, bytes) =
                    content.isColumnMajor ? try content.tensor.byRows(owner) : (content.tensor, owner)
                tensors = [StoredTensor(entry, source: path, owner: bytes)]
                (names, foreign, metadata) = ([], [:], [:])
            }
        } catch let error as SelMixError {
            throw error.within("`\(path)`")
        }
        self.path = path
        positions = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    /// The tensor called `name`, or with nil the only one.
    ///
    /// - Throws: `invalidInput` when there is none of that name, or `name` is nil and there are several.
    public func tensor(_ name: String?) throws -> StoredTensor {
        guard let name else {
            guard tensors.count != 1 else { return tensors[0] }
            guard !tensors.isEmpty else { throw SelMixError(.invalidInput, "`\(path)` holds no tensors") }
            throw SelMixError(
                .invalidInput, "`\(path)` holds \(tensors.count) tensors, and none of them is named",
                hint: "write `\(path)#NAME`; it holds \(listedNames)")
        }
        if let position = positions[name] { return tensors[position] }
        if let type = foreign[name] {
            throw SelMixError(
                .invalidInput, "`\(path)` holds \(name.quoted) as \(type.quoted), which selmix does not compute with",
                hint: "convert it to float32, float16 or bfloat16, or name another tensor")
        }
        if names.isEmpty, tensors.count == 1 {
            throw SelMixError(
                .invalidInput, "`\(path)` has no tensor \(name.quoted): a .npy file holds a single array",
                hint: "write `\(path)`")
        }
        let suggestion = Suggestion.nearest(to: name, among: names).map { "did you mean \($0.quoted)?" }
        throw SelMixError(
            .invalidInput, "`\(path)` has no tensor \(name.quoted)", hint: suggestion ?? "it holds \(listedNames)")
    }

    private var listedNames: String {
        guard !names.isEmpty else { return "no tensors" }
        let listed = names.prefix(10).map(\.quoted).joined(separator: ", ")
        return names.count > 10 ? "\(listed) and \(names.count - 10) more" : listed
    }
}
