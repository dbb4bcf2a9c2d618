import Common

/// What people name `.safetensors` or `.npy` by mistake, recognised by how it begins: a checkpoint of torch.save, the page
/// that a failed download left, a pointer of Git LFS.
///
/// It only makes an error better that there is anyway: a file that decodes is never looked at.
enum FileKind: Equatable {
    case numpy, safetensors, gitLFS, html, shardIndex, json, text
    case torch, numpyArchive, zip
    case pickle, hdf5, parquet, matlab, gguf
    case compressed(by: String)

    /// - Returns: nil for what is not recognised.
    init?(of file: UnsafeRawBufferPointer) {
        if file.starts(with: NumpyDecoder.magic) {
            self = .numpy
        } else if let kind = Self.signatures.first(where: { file.starts(with: $0.bytes) })?.kind {
            self = kind == .zip ? Self.archive(file) : kind
        } else if file.count > 8, file[8] == UInt8(ascii: "{"), file[4..<8].allSatisfy({ $0 == 0 }) {
            self = .safetensors
        } else if let text = Self.text(file) {
            self = text
        } else if file.count > 2, file[0] == 0x80, (2...5).contains(file[1]) {
            self = .pickle
        } else {
            return nil
        }
    }

    private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
        (Array("PK\u{3}\u{4}".utf8), .zip), ([0x89] + "HDF".utf8, .hdf5), (Array("PAR1".utf8), .parquet),
        (Array("MATLAB ".utf8), .matlab), (Array("GGUF".utf8), .gguf), ([0x1f, 0x8b], .compressed(by: "gzip")),
        ([0x28, 0xb5, 0x2f, 0xfd], .compressed(by: "zstd")), ([0xfd] + "7zXZ".utf8, .compressed(by: "xz")),
        (Array("BZh".utf8), .compressed(by: "bzip2")),
    ]

    /// Whose zip archive it is, by the names at its beginning.
    private static func archive(_ file: UnsafeRawBufferPointer) -> FileKind {
        let start = String(decoding: file.prefix(4096), as: Unicode.ASCII.self)
        if start.contains("/data.pkl") || start.contains("/constants.pkl") { return .torch }
        return start.contains(".npy") ? .numpyArchive : .zip
    }

    private static func text(_ file: UnsafeRawBufferPointer) -> FileKind? {
        let first = file.prefix(64)
        let isPrintable = first.allSatisfy { $0 >= 0x20 && $0 != 0x7f || [9, 10, 13].contains($0) }
        // A character may be cut at the end.
        let isUTF8 = (0...3).contains { String(validating: first.dropLast($0), as: UTF8.self) != nil }
        guard file.count >= 8, isPrintable, isUTF8 else { return nil }
        let start = String(decoding: file.prefix(4096), as: UTF8.self)
            .drop { $0 == "\u{feff}" || $0.isWhitespace }.lowercased()
        if start.hasPrefix("version https://git-lfs") { return .gitLFS }
        if ["<!doctype", "<html", "<head", "<?xml", "<!--"].contains(where: start.hasPrefix) { return .html }
        if start.hasPrefix("{") { return start.contains("\"weight_map\"") ? .shardIndex : .json }
        return .text
    }

    /// What to say of such a file where tensors of a format should be.
    func error(insteadOf format: TensorFormat) -> SelMixError {
        let expected = format == .numpy ? "a NumPy file" : "a safetensors file"
        return SelMixError(.invalidInput, "it is \(what), not \(expected)", hint: cure(expected))
    }

    private var what: String {
        switch self {
        case .numpy: "a NumPy array"
        case .safetensors: "a safetensors file"
        case .gitLFS: "a Git LFS pointer"
        case .html: "a web page (HTML or XML)"
        case .shardIndex: "the index of a model in several files"
        case .json: "JSON text"
        case .text: "text"
        case .torch: "a PyTorch file (of torch.save)"
        case .numpyArchive: "a NumPy archive (.npz)"
        case .zip: "a zip archive"
        case .pickle: "a Python pickle (an old torch.save, or pickle.dump)"
        case .hdf5: "an HDF5 file"
        case .parquet: "a Parquet file"
        case .matlab: "a MATLAB file"
        case .gguf: "a GGUF file"
        case .compressed(let program): "compressed by \(program)"
        }
    }

    private func cure(_ expected: String) -> String {
        switch self {
        case .numpy: "rename it to FILE.npy"
        case .safetensors: "rename it to FILE.safetensors, and name the tensor: FILE.safetensors#TENSOR"
        case .gitLFS: "fetch the file itself with `git lfs pull`"
        case .html: "the download brought an error or a login page: open it to see which, and download the file again"
        case .shardIndex: "name the file that holds the tensor: its `weight_map` lists them"
        case .torch, .pickle:
            "convert it: safetensors.torch.save_file(torch.load(file, weights_only=True), \"FILE.safetensors\"), or "
                + "numpy.save each array"
        case .numpyArchive: "save each of its arrays with numpy.save"
        case .compressed(let program): "decompress it with \(program == "gzip" ? "gunzip" : "\(program) -d")"
        case .json, .text, .zip, .hdf5, .parquet, .matlab, .gguf:
            "write \(expected): numpy.save, or safetensors.numpy.save_file"
        }
    }
}
