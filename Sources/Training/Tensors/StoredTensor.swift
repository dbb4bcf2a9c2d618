import CKernels

/// A tensor inside a file: row-major, little-endian, and not necessarily aligned.
///
/// It is a view. Copying one is cheap, and every copy keeps the mapped file alive. Only a decoder makes one, after it has
/// checked that `shape` and `dataType` fit the bytes and that the bytes lie inside the file; so nothing here checks sizes
/// again. safetensors promises no alignment, hence no typed pointer into `bytes` is made without a look at it: use the
/// conversions in `StoredTensor+Values`.
public struct StoredTensor: Sendable {
    /// The tensor's name in its file; for a .npy file, which has no names, the file's own without the extension.
    public let name: String
    public let dataType: DataType
    /// [] for a single number.
    public let shape: [Int]
    /// How messages call it: "digits.safetensors#train.features", "labels.npy".
    public let source: String
    public let elementCount: Int
    /// The elements of one row, which is the product of all dimensions but the first.
    public let rowElements: Int

    private let owner: any ByteOwner
    private let range: Range<Int>

    /// - Parameter range: where the tensor lies in the bytes of `owner`; as long as the entry's type and shape ask for.
    init(_ entry: TensorEntry, source: String, owner: any ByteOwner) {
        name = entry.name
        dataType = entry.dataType
        shape = entry.shape
        self.source = source
        elementCount = entry.range.count / entry.dataType.byteCount
        rowElements = entry.shape.dropFirst().reduce(1, *)
        self.owner = owner
        range = entry.range
    }

    /// The size of the first dimension; 1 for a single number.
    public var rowCount: Int { shape.first ?? 1 }

    /// The bytes as stored. The pointer is valid as long as this tensor or a copy of it lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: owner.bytes[range]) }

    /// XXH3 (64 bit, seed 0) of the bytes. Neither name, type nor shape is part of it.
    public func digest() -> UInt64 { smx_hash(bytes.baseAddress!, bytes.count, 0) }
}

/// What a decoder found in a header, checked against the file.
struct TensorEntry {
    var name: String
    var dataType: DataType
    var shape: [Int]
    /// Offsets of the first byte, and of the one behind the last, from the start of the file.
    var range: Range<Int>
}
