import Common

/// Finds the tensors in the bytes of a safetensors file.
///
/// The format (https://github.com/huggingface/safetensors): 8 bytes little-endian header length N; N bytes of JSON, an
/// object of tensor name -> {"dtype", "shape", "data_offsets": [begin, end]} and optionally "__metadata__" -> an object of
/// strings; then the data, which the offsets count from. Everything is checked before anything is used: types and shapes
/// fit the offsets, and the tensors cover the data without overlap, hole or rest, as the format demands. So a file that
/// was cut short, or is something else altogether, is reported as such.
///
/// A tensor of a type that nothing here computes with takes its place in the file like any other: it is listed apart, and
/// only a reference to it is an error.
enum SafetensorsDecoder {
    /// The format's own limit.
    static let maximumHeaderBytes = 100_000_000
    /// More dimensions than any tensor library has.
    static let maximumDimensions = 64

    struct Content {
        /// In the order of the data.
        var tensors: [TensorEntry] = []
        /// The types of those that cannot be used, by name.
        var foreign: [String: String] = [:]
        var metadata: [String: String] = [:]
    }

    /// What a header says of one tensor.
    private struct Entry {
        var name: String
        var dtype: String
        var shape: [Int]
        /// Counted from the start of the data.
        var range: Range<Int>
    }

    /// - Throws: `invalidInput`, without the name of the file.
    static func decode(_ file: UnsafeRawBufferPointer) throws -> Content {
        do {
            return try decodeWhole(file)
        } catch {
            throw FileKind(of: file).flatMap { $0 == .safetensors ? nil : $0.error(insteadOf: .safetensors) } ?? error
        }
    }

    private static func decodeWhole(_ file: UnsafeRawBufferPointer) throws -> Content {
        let header = try headerRange(of: file)
        var content = Content()
        var entries: [Entry] = []
        var json = HeaderJSON(UnsafeRawBufferPointer(rebasing: file[header]))
        try json.object { json, name in
            if name != "__metadata__" {
                entries.append(try entry(&json, name: name))
            } else if !json.takeNull() {
                try json.object { json, key in content.metadata[key] = try json.string() }
            }
        }
        try json.end()
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        try checkCoverage(of: file.count - header.upperBound, by: entries)
        for entry in entries {
            let range = entry.range.lowerBound + header.upperBound..<entry.range.upperBound + header.upperBound
            if let dataType = DataType(rawValue: entry.dtype) {
                content.tensors.append(
                    TensorEntry(name: entry.name, dataType: dataType, shape: entry.shape, range: range))
            } else {
                content.foreign[entry.name] = entry.dtype
            }
        }
        return content
    }

    private static func headerRange(of file: UnsafeRawBufferPointer) throws -> Range<Int> {
        guard file.count >= 8 else { throw invalid("\(file.count) bytes are too few for a safetensors file") }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= maximumHeaderBytes else {
            throw invalid("a header of \(length) bytes, more than the \(maximumHeaderBytes) that are allowed")
        }
        guard length <= file.count - 8 else {
            throw invalid("a header of \(length) bytes, but only \(file.count - 8) follow", hint: incomplete)
        }
        return 8..<8 + Int(length)
    }

    private static func entry(_ json: inout HeaderJSON, name: String) throws -> Entry {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        do {
            try json.object { json, field in
                switch field {
                case "dtype": dtype = try json.string()
                case "shape": shape = try json.integers(atMost: maximumDimensions)
                case "data_offsets": offsets = try json.integers(atMost: 2)
                default: throw invalid("an unknown field \(field.quoted)")
                }
            }
            guard let dtype else { throw invalid("no `dtype`") }
            guard let shape else { throw invalid("no `shape`") }
            guard let offsets else { throw invalid("no `data_offsets`") }
            guard offsets.count == 2, offsets[0] <= offsets[1] else {
                throw invalid("`data_offsets` \(offsets) are no range")
            }
            try check(dtype, shape, span: offsets[1] - offsets[0], offsets)
            return Entry(name: name, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
        } catch let error as SelMixError {
            throw error.within("tensor \(name.quoted)")
        }
    }

    /// Type and shape fit the bytes; of a type that we have never heard of only the shape can be judged.
    private static func check(_ dtype: String, _ shape: [Int], span: Int, _ offsets: [Int]) throws {
        let tooLarge = invalid("a shape too large, \(shape)")
        let size: Int
        if let dataType = DataType(rawValue: dtype) {
            guard let bytes = dataType.byteCount(of: shape) else { throw tooLarge }
            size = bytes
        } else {
            // Elements narrower than a byte are packed: bits are counted, and rounded up to whole bytes.
            guard let count = DataType.uint8.byteCount(of: shape) else { throw tooLarge }
            guard let bits = foreignBits[dtype] else { return }
            let (product, overflow) = count.multipliedReportingOverflow(by: bits)
            guard !overflow else { throw tooLarge }
            size = product / 8 + (product % 8 == 0 ? 0 : 1)
        }
        guard size == span else {
            throw invalid(
                "shape \(shape) of \(dtype) takes \(size) bytes, but `data_offsets` \(offsets) span \(span)")
        }
    }

    /// The bits of one element, of the types that the format knows and nothing here computes with.
    private static let foreignBits = [
        "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "C64": 64,
    ]

    /// - Parameter tensors: sorted by where they begin and end.
    private static func checkCoverage(of byteCount: Int, by tensors: [Entry]) throws {
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
}
