import Common

/// The file formats that tensors are read from, told apart by the file name.
///
/// By name and not by content, so that what a job file means can be read off it, and so that a reference is refused before
/// anything is opened.
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

    private static func conversion(for path: String) -> String {
        switch path.split(separator: ".").last {
        case "npz": "a .npz file is an archive: save each of its arrays with numpy.save"
        case "pt", "pth", "bin", "ckpt": "convert it with safetensors.torch.save_file"
        default: "write FILE.safetensors#TENSOR, or FILE.npy"
        }
    }
}
