import Common

/// Finds the array in the bytes of a NumPy .npy file.
///
/// The format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): the magic string, a byte each of
/// major and minor version, the header length (2 bytes little-endian in version 1, 4 bytes in versions 2 and 3), the
/// header, then the data. Versions 2 and 3 exist for structured types; NumPy writes version 1 for everything we accept,
/// but other writers do not.
enum NumpyDecoder {
    static let magic: [UInt8] = [0x93] + "NUMPY".utf8
    /// Plain arrays need about a hundred bytes.
    private static let maximumHeaderBytes = 65536

    /// An array within the bytes, and whether it lies there column by column.
    struct Content {
        var tensor: TensorEntry
        var isColumnMajor: Bool
    }

    /// - Parameter name: what to call the array, which the file does not say.
    /// - Throws: `invalidInput`, without the name of the file.
    static func decode(_ file: UnsafeRawBufferPointer, name: String) throws -> Content {
        guard file.starts(with: magic) else {
            throw FileKind(of: file)?.error(insteadOf: .numpy)
                ?? SelMixError(.invalidInput, "it is not a NumPy file", hint: "write it with numpy.save")
        }
        let headerRange = try headerRange(of: file)
        let header = try NumpyHeader(parsing: UnsafeRawBufferPointer(rebasing: file[headerRange]))
        guard let size = header.dataType.byteCount(of: header.shape) else {
            throw SelMixError(.invalidInput, "a shape too large, \(header.shape)")
        }
        let follow = file.count - headerRange.upperBound
        guard follow >= size else {
            throw SelMixError(
                .invalidInput,
                "shape \(header.shape) of \(header.dataType.rawValue) takes \(size) bytes, but \(follow) follow the header",
                hint: "the file seems to be cut short: was it downloaded or copied completely?")
        }
        guard follow == size else {
            throw SelMixError(
                .invalidInput, "\(follow - size) bytes follow the array", hint: "save one array per file")
        }
        return Content(
            tensor: TensorEntry(
                name: name, dataType: header.dataType, shape: header.shape, range: headerRange.upperBound..<file.count),
            isColumnMajor: header.isColumnMajor)
    }

    private static func headerRange(of file: UnsafeRawBufferPointer) throws -> Range<Int> {
        guard file.count >= 12 else {
            throw SelMixError(.invalidInput, "\(file.count) bytes are too few for a NumPy file")
        }
        let (start, length): (Int, Int)
        switch (file[6], file[7]) {
        case (1, 0):
            (start, length) = (10, Int(UInt16(littleEndian: file.loadUnaligned(fromByteOffset: 8, as: UInt16.self))))
        case (2, 0), (3, 0):
            (start, length) = (12, Int(UInt32(littleEndian: file.loadUnaligned(fromByteOffset: 8, as: UInt32.self))))
        case (let major, let minor):
            throw SelMixError(
                .invalidInput, "version \(major).\(minor) of the NumPy format is unknown",
                hint: "versions 1.0, 2.0 and 3.0 are known")
        }
        guard length <= maximumHeaderBytes else {
            throw SelMixError(
                .invalidInput,
                "a header of \(length) bytes, more than the \(maximumHeaderBytes) that a plain array needs")
        }
        guard length <= file.count - start else {
            throw SelMixError(.invalidInput, "a header of \(length) bytes, but only \(file.count - start) follow")
        }
        return start..<start + length
    }
}
