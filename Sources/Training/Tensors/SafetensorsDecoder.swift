import Common

/// Finds the tensors in the bytes of a safetensors file.
///
/// The format (https://github.com/huggingface/safetensors): 8 bytes little-endian header length N; N bytes of JSON, an
/// object of tensor name -> {"dtype", "shape", "data_offsets": [begin, end]} and optionally "__metadata__" -> an object of
/// strings; then the data, which the offsets count from. Everything is checked before anything is used: types and shapes
/// fit the offsets, and the tensors cover the data without overlap, hole or rest, as the format demands. So a file that
/// was cut short, or is something else altogether, is told as such.
enum SafetensorsDecoder {
    /// The format's own limit.
    static let maximumHeaderBytes = 100_000_000
    /// More dimensions than any tensor library has.
    static let maximumDimensions = 64

    struct Content {
        /// In the order of the data.
        var tensors: [TensorEntry] = []
        var metadata: [String: String] = [:]
    }

    /// - Throws: `invalidInput`, without the name of the file.
    static func decode(_ file: UnsafeRawBufferPointer) throws -> Content {
        let header = try headerRange(of: file)
        var content = Content()
        var json = HeaderJSON(UnsafeRawBufferPointer(rebasing: file[header]))
        try json.object { json, name in
            if name == "__metadata__" {
                try json.object { json, key in content.metadata[key] = try json.string() }
            } else {
                content.tensors.append(try entry(&json, name: name))
            }
        }
        try json.end()
        content.tensors.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        try checkCoverage(of: file.count - header.upperBound, by: content.tensors)
        for index in content.tensors.indices {
            let range = content.tensors[index].range
            content.tensors[index].range =
                range.lowerBound + header.upperBound..<range.upperBound + header.upperBound
        }
        return content
    }

    private static func headerRange(of file: UnsafeRawBufferPointer) throws -> Range<Int> {
        guard file.count >= 8 else {
            throw looksLike(file, else: invalid("\(file.count) bytes are too few for a safetensors file"))
        }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= maximumHeaderBytes else {
            throw looksLike(
                file, else: invalid("a header of \(length) bytes, more than the \(maximumHeaderBytes) that are allowed")
            )
        }
        guard length <= file.count - 8 else {
            throw looksLike(
                file,
                else: invalid("a header of \(length) bytes, but only \(file.count - 8) follow", hint: incomplete))
        }
        return 8..<8 + Int(length)
    }

    /// One tensor; its range still counts from the start of the data.
    private static func entry(_ json: inout HeaderJSON, name: String) throws -> TensorEntry {
        var dataType: DataType?
        var shape: [Int]?
        var offsets: [Int]?
        do {
            try json.object { json, field in
                switch field {
                case "dtype": dataType = try known(try json.string())
                case "shape": shape = try json.integers(atMost: maximumDimensions)
                case "data_offsets": offsets = try json.integers(atMost: 2)
                default: throw invalid("an unknown field \(field.quoted)")
                }
            }
            guard let dataType else { throw invalid("no `dtype`") }
            guard let shape else { throw invalid("no `shape`") }
            guard let offsets else { throw invalid("no `data_offsets`") }
            guard offsets.count == 2, offsets[0] <= offsets[1] else {
                throw invalid("`data_offsets` \(offsets) are no range")
            }
            guard let size = dataType.byteCount(of: shape) else { throw invalid("a shape too large, \(shape)") }
            guard size == offsets[1] - offsets[0] else {
                throw invalid(
                    "shape \(shape) of \(dataType.rawValue) takes \(size) bytes, but `data_offsets` \(offsets) span "
                        + "\(offsets[1] - offsets[0])")
            }
            return TensorEntry(name: name, dataType: dataType, shape: shape, range: offsets[0]..<offsets[1])
        } catch let error as SelMixError {
            throw error.within("tensor \(name.quoted)")
        }
    }

    private static func known(_ dtype: String) throws -> DataType {
        guard let dataType = DataType(rawValue: dtype) else {
            throw invalid(
                "unknown dtype \(dtype.quoted)",
                hint: "known are \(DataType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return dataType
    }

    /// - Parameter tensors: sorted by where they begin and end.
    private static func checkCoverage(of byteCount: Int, by tensors: [TensorEntry]) throws {
        var covered = 0
        for tensor in tensors {
            let (name, range) = (tensor.name.quoted, tensor.range)
            guard range.upperBound <= byteCount else {
                throw invalid(
                    "tensor \(name) ends at byte \(range.upperBound) of the data, which has \(byteCount)",
                    hint: incomplete)
            }
            guard range.lowerBound >= covered else {
                throw invalid("tensor \(name) overlaps another one at byte \(range.lowerBound) of the data")
            }
            guard range.lowerBound == covered else {
                throw invalid(
                    "bytes \(covered) to \(range.lowerBound) of the data, before tensor \(name), belong to no tensor")
            }
            covered = range.upperBound
        }
        guard covered == byteCount else {
            throw invalid("the last \(byteCount - covered) bytes of the file belong to no tensor")
        }
    }

    private static let incomplete = "the file seems to be cut short: was it downloaded or copied completely?"

    private static func invalid(_ told: String, hint: String? = nil) -> SelMixError {
        SelMixError(.invalidInput, told, hint: hint)
    }

    /// A better error for what people mistake for a safetensors file; any other trouble stays as it is.
    private static func looksLike(_ file: UnsafeRawBufferPointer, else other: SelMixError) -> SelMixError {
        if file.starts(with: NumpyDecoder.magic) {
            return invalid("it is a NumPy array, not a safetensors file", hint: "rename it to FILE.npy")
        }
        if file.starts(with: "version https://git-lfs".utf8) {
            return invalid("it is a Git LFS pointer, not the file itself", hint: "fetch the file with `git lfs pull`")
        }
        return other
    }
}
