import CKernels
import Common
import Glibc

/// Reading numbers out of a stored tensor.
///
/// Training reads rows, many times, into memory of its own; small tensors (a head, labels) are read whole. All of it works
/// at any alignment. Whether a tensor has the right type and shape is for the caller to check when it opens the data, so
/// the row functions trap on a wrong one, and the whole-tensor functions throw.
extension StoredTensor {
    /// Converts one row to float32.
    ///
    /// - Parameter destination: room for `rowElements` values.
    public func floats(row: Int, into destination: UnsafeMutablePointer<Float>) {
        floats(rows: row..<row + 1, into: destination)
    }

    /// One row as float32: where it lies if it is stored like that, at an address that allows it, or else converted.
    ///
    /// - Parameter scratch: room for `rowElements` values.
    /// - Returns: valid while this tensor and `scratch` are.
    public func floats(row: Int, scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        precondition(0 <= row && row < rowCount, "row \(row) of \(source), which has \(rowCount)")
        if dataType == .float32, let start = bytes.baseAddress, UInt(bitPattern: start).isMultiple(of: 4) {
            return (start + row * rowElements * 4).assumingMemoryBound(to: Float.self)
        }
        floats(row: row, into: scratch)
        return UnsafePointer(scratch)
    }

    /// Converts neighbouring rows to float32: exactly from float16, bfloat16 and float32, rounded from float64.
    ///
    /// - Parameter destination: room for `rows.count * rowElements` values, row-major.
    public func floats(rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(
            0 <= rows.lowerBound && rows.upperBound <= rowCount, "rows \(rows) of \(source), which has \(rowCount)")
        let rowBytes = rowElements * dataType.byteCount
        let slice = bytes[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
        convert(UnsafeRawBufferPointer(rebasing: slice), into: destination)
    }

    /// All values as float32, row-major.
    ///
    /// - Throws: `invalidInput` when the tensor does not hold floating-point numbers.
    public func floatArray() throws -> [Float] {
        guard dataType.isFloatingPoint else {
            throw SelMixError(
                .invalidInput, "\(source.quoted) holds \(dataType.rawValue), where floating-point numbers are needed",
                hint: "store it as float32, float16 or bfloat16")
        }
        return [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            // An empty array has no memory to convert into.
            if let destination = buffer.baseAddress { convert(bytes, into: destination) }
            count = elementCount
        }
    }

    /// All values as integers, row-major.
    ///
    /// - Throws: `invalidInput` when the tensor does not hold integers (booleans are none), or one is above `Int.max`.
    public func integers() throws -> [Int] {
        switch dataType {
        case .int8: try integers(of: Int8.self)
        case .int16: try integers(of: Int16.self)
        case .int32: try integers(of: Int32.self)
        case .int64: try integers(of: Int64.self)
        case .uint8: try integers(of: UInt8.self)
        case .uint16: try integers(of: UInt16.self)
        case .uint32: try integers(of: UInt32.self)
        case .uint64: try integers(of: UInt64.self)
        case .float16, .bfloat16, .float32, .float64, .bool:
            throw SelMixError(
                .invalidInput, "\(source.quoted) holds \(dataType.rawValue), where integers are needed",
                hint: "store it as int64, or any other integer type")
        }
    }

    private func integers<Stored: FixedWidthInteger & BitwiseCopyable>(of type: Stored.Type) throws -> [Int] {
        let bytes = bytes
        return try (0..<elementCount).map { index in
            let stored = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: type)
            let value = Stored(littleEndian: stored)
            guard let integer = Int(exactly: value) else {
                throw SelMixError(
                    .invalidInput, "\(source.quoted) holds \(value) at position \(index), more than \(Int.max)")
            }
            return integer
        }
    }

    private func convert(_ stored: UnsafeRawBufferPointer, into destination: UnsafeMutablePointer<Float>) {
        switch dataType {
        case .float32: memcpy(destination, stored.baseAddress!, stored.count)
        case .float16: widen(stored, into: destination, by: smx_half_to_float)
        case .bfloat16: widen(stored, into: destination, by: smx_bfloat_to_float)
        case .float64:
            for index in 0..<stored.count / 8 {
                destination[index] = Float(stored.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        default: preconditionFailure("\(source) holds \(dataType.rawValue), not floating-point numbers")
        }
    }

    private typealias Widening = (UnsafePointer<UInt16>, UnsafeMutablePointer<Float>, Int) -> Void

    private func widen(
        _ stored: UnsafeRawBufferPointer, into destination: UnsafeMutablePointer<Float>, by kernel: Widening
    ) {
        let (start, count) = (stored.baseAddress!, stored.count / 2)
        guard !UInt(bitPattern: start).isMultiple(of: 2) else {
            return kernel(start.assumingMemoryBound(to: UInt16.self), destination, count)
        }
        // The kernels need aligned input: at an odd address it takes a detour through a small aligned copy.
        let block = 2048
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: block) { aligned in
            for first in stride(from: 0, to: count, by: block) {
                let length = min(block, count - first)
                memcpy(aligned.baseAddress!, start + 2 * first, 2 * length)
                kernel(aligned.baseAddress!, destination + first, length)
            }
        }
    }
}
