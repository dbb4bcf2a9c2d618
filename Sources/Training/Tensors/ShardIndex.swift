import Common
import Foundation

/// The index of a model that is saved in several files, as Hugging Face's libraries write it beside them
/// (`model.safetensors.index.json`): which file holds which tensor.
struct ShardIndex: Decodable {
    static let ending = ".index.json"
    /// An index of a hundred thousand tensors has about ten million bytes.
    private static let maximumBytes = 100_000_000

    /// File by tensor; files lie beside the index.
    var files: [String: String]

    private enum CodingKeys: String, CodingKey {
        case files = "weight_map"
    }

    /// - Throws: `invalidInput` when the file cannot be read, or is no such index.
    init(path: String) throws {
        let mapping = try FileMapping(path: path)
        do {
            guard mapping.bytes.count <= Self.maximumBytes else { throw CocoaError(.fileReadTooLarge) }
            self = try JSONDecoder().decode(Self.self, from: Data(mapping.bytes))
        } catch {
            throw SelMixError(
                .invalidInput, "`\(path)` is no index of a model in several files",
                hint: "it has a `weight_map` from the names of tensors to files")
        }
    }

    /// The reference to a tensor in the file that holds it; nil where the index does not list it.
    func reference(to tensor: String, besides path: String) -> String? {
        guard let file = files[tensor] else { return nil }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        return "\(folder)\(file)#\(tensor)"
    }

    /// What to write in place of a reference to an index.
    ///
    /// - Parameter text: `FOLDER/model.safetensors.index.json#TENSOR`.
    static func cure(for text: String) -> String {
        let general = "name the file that holds the tensor: its `weight_map` lists them"
        guard let mark = text.firstRange(of: ending + "#") else { return general }
        let (path, tensor) = (String(text[..<mark.lowerBound] + ending), String(text[mark.upperBound...]))
        guard let index = try? ShardIndex(path: path) else { return general }
        if let reference = index.reference(to: tensor, besides: path) { return "write `\(reference)`" }
        let nearest = Suggestion.nearest(to: tensor, among: Array(index.files.keys))
            .flatMap { index.reference(to: $0, besides: path) }
        return nearest.map { "did you mean `\($0)`?" } ?? "it does not list \(tensor.quoted)"
    }
}
