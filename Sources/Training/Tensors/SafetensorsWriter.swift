import Common

/// Writes safetensors files, which PyTorch, JAX and the rest load as they are.
///
/// The same tensors give the same bytes, in whatever order they come: wider types first and then by name, metadata sorted
/// by key. Wider types first, as in the reference implementation, because with a header padded to a multiple of 8 bytes
/// that aligns every tensor to the size of its elements.
public enum SafetensorsWriter {
    /// Writes a file in one step, as ``AtomicFile`` does: when it throws, what was at `path` is still there.
    ///
    /// - Throws: `failed` when the disk refuses; `invalidInput` for names that a file cannot hold.
    public static func write(
        _ tensors: [TensorContent], metadata: [String: String] = [:], to path: String
    ) throws {
        let (header, ordered) = try layOut(tensors, metadata: metadata)
        try AtomicFile.write(to: path) { sink in
            try header.withUnsafeBytes { try sink.write($0) }
            for tensor in ordered { try tensor.withBytes { try sink.write($0) } }
        }
    }

    /// The same bytes in memory.
    public static func encode(_ tensors: [TensorContent], metadata: [String: String] = [:]) throws -> [UInt8] {
        var (bytes, ordered) = try layOut(tensors, metadata: metadata)
        for tensor in ordered { try tensor.withBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// The length and the header, and the tensors in the order of the data.
    private static func layOut(
        _ tensors: [TensorContent], metadata: [String: String]
    ) throws -> (header: [UInt8], ordered: [TensorContent]) {
        let ordered = tensors.sorted { ($1.dataType.byteCount, $0.name) < ($0.dataType.byteCount, $1.name) }
        var names: Set = ["__metadata__"]
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quote($0.key)):\(quote($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in ordered {
            guard names.insert(tensor.name).inserted else {
                throw SelMixError(
                    .invalidInput, "two tensors are called \(tensor.name.quoted), or the name is reserved")
            }
            let end = offset + tensor.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quote(tensor.name)):{\"dtype\":\"\(tensor.dataType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = [UInt8]("{\(members.joined(separator: ","))}".utf8)
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init)
        return (length + json, ordered)
    }

    /// A JSON string.
    private static func quote(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case ..<" ": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
