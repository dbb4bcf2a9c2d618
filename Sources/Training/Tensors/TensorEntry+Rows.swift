import Common

extension TensorEntry {
    /// What may be copied to memory to turn its order around; the coefficients of a classifier are far below it.
    static let maximumReordered = 1 << 28

    /// A matrix that lies column by column (as scikit-learn's coefficients and the arrays of Julia and MATLAB do), copied
    /// row by row.
    ///
    /// - Parameter owner: the bytes that this entry lies in.
    /// - Throws: `invalidInput` for what is too large for a copy in every process, or no matrix.
    func byRows(_ owner: any ByteOwner) throws -> (TensorEntry, any ByteOwner) {
        guard shape.count == 2, range.count <= Self.maximumReordered else {
            throw SelMixError(
                .invalidInput, "the array is stored column by column (Fortran order)",
                hint: "store it by rows: numpy.save(file, numpy.ascontiguousarray(array))")
        }
        let copy = AlignedBuffer(byteCount: range.count)
        let source = UnsafeRawBufferPointer(rebasing: owner.bytes[range])
        switch dataType.byteCount {
        case 1: transpose(source, into: copy, as: UInt8.self)
        case 2: transpose(source, into: copy, as: UInt16.self)
        case 4: transpose(source, into: copy, as: UInt32.self)
        default: transpose(source, into: copy, as: UInt64.self)
        }
        var entry = self
        entry.range = 0..<range.count
        return (entry, copy)
    }

    private func transpose<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ source: UnsafeRawBufferPointer, into copy: AlignedBuffer, as type: Bits.Type
    ) {
        let (rows, columns) = (shape[0], shape[1])
        let destination = copy.mutableBytes.bindMemory(to: type)
        for column in 0..<columns {
            for row in 0..<rows {
                let position = (column * rows + row) * MemoryLayout<Bits>.size
                destination[row * columns + column] = source.loadUnaligned(fromByteOffset: position, as: type)
            }
        }
    }
}
