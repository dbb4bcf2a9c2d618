import Common

/// The file formats that tensors are read from, told apart by the file name.
///
/// By name and not by content, so that what a job file means can be read off it, and so that a reference is refused before
/// a file of tensors is opened.
enum TensorFormat: String, CaseIterable {
    case safetensors = ".safetensors"
    case numpy = ".npy"

    init(path: String) throws {
        guard let format = Self.allCases.first(where: { path.hasSuffix($0.rawValue) }) else {
            throw SelMixError(
                .invalidInput, "`\(path)` is neither a .safetensors nor a .npy file", hint: Self.conversion(for: path))
        }
        self = format
    }

    private static func conversion(for text: String) -> String {
        if text.contains(ShardIndex.ending) { return ShardIndex.cure(for: text) }
        // What stands behind a `#` is a tensor's name.
        let path = text.prefix { $0 != "#" }
        return switch path.split(separator: ".").last?.lowercased() {
        case "npz": "a .npz file is an archive: save each of its arrays with numpy.save"
        case "pt", "pth", "bin", "ckpt", "pkl", "pickle", "joblib":
            "convert it with safetensors.torch.save_file, or numpy.save each array"
        case "npy", "safetensors": "the ending is written in small letters: rename the file"
        case "csv", "tsv", "txt", "parquet", "h5", "hdf5", "mat":
            "read it in Python, and write the arrays with numpy.save or safetensors.numpy.save_file"
        default: "write FILE.safetensors#TENSOR, or FILE.npy"
        }
    }
}
