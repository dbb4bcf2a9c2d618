import Coordination
import SelMix
import Training

/// A linear head as a .safetensors file: `weight` [K, d] and `bias` [K] in float32, as torch.nn.Linear has them; no `bias` for
/// a head that was brought without one.
enum HeadFile {
    /// - Parameter trainedOn: the validation rows that the head was trained on, if it was.
    static func write(
        _ head: Parameters, objective: String? = nil, trainedOn validation: LabeledFeatures? = nil, to path: String
    ) throws {
        var metadata = ["format": "pt", "selmix": Version.current]
        metadata["objective"] = objective
        metadata[trainedOnKey] = validation?.digest.hexadecimal
        try SafetensorsWriter.write(
            // A baseline may give a bias to a head that was brought without one.
            head.layout.entries.filter { entry in !entry.isFixed || head.values(of: entry).contains { $0 != 0 } }.map {
                TensorContent(
                    name: $0.name, dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            }, metadata: metadata, to: path)
    }

    /// Of the digest of the validation rows that a cross-fitted head was trained on, in a file's metadata.
    private static let trainedOnKey = "trained-on-validation"

    /// Whether the file says that its head was trained on these validation rows.
    static func isTrained(_ path: String, on validation: LabeledFeatures) throws -> Bool {
        try TensorFile.open(path).metadata[trainedOnKey] == validation.digest.hexadecimal
    }

    /// The references to the tensors of such a file.
    ///
    /// - Throws: `invalidInput` when it cannot be read.
    static func references(_ path: String) throws -> HeadFiles {
        let names = try TensorFile.open(path).names
        // Without a weight the reference to it says what the file holds.
        return HeadFiles(weight: "\(path)#weight", bias: names.contains("bias") ? "\(path)#bias" : nil)
    }
}

extension HeadFiles {
    /// The head in a .safetensors file of `weight` and, unless it has none, `bias`.
    public init(inFile path: String) throws { self = try HeadFile.references(path) }
}
