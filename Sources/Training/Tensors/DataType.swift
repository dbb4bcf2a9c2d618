/// What one element of a stored tensor is.
///
/// The raw values are the names that safetensors uses in its headers, so that reading, writing and messages share one
/// spelling. Narrower floating-point formats (F8 and below) are left out on purpose: nothing here computes with them.
public enum DataType: String, Sendable, Codable, CaseIterable {
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    case int8 = "I8"
    case int16 = "I16"
    case int32 = "I32"
    case int64 = "I64"
    case uint8 = "U8"
    case uint16 = "U16"
    case uint32 = "U32"
    case uint64 = "U64"
    case bool = "BOOL"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .int8, .uint8, .bool: 1
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        default: false
        }
    }

    /// Whether elements are whole numbers; booleans are not.
    public var isInteger: Bool { !isFloatingPoint && self != .bool }

    /// The bytes that a dense tensor of this type and `shape` takes; nil for a negative dimension, or when the size does
    /// not fit an `Int`.
    ///
    /// A dimension of zero does not hide an absurd one beside it: [0, 2^62, 2^62] is refused as well, so that products of
    /// any of the dimensions of a checked shape fit.
    public func byteCount(of shape: [Int]) -> Int? {
        var bound = byteCount
        var isEmpty = false
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = bound.multipliedReportingOverflow(by: max(dimension, 1))
            guard !overflow else { return nil }
            bound = product
            isEmpty = isEmpty || dimension == 0
        }
        return isEmpty ? 0 : bound
    }
}

/// A Swift number whose arrays can be written as a tensor.
public protocol TensorScalar: BitwiseCopyable, Sendable {
    static var dataType: DataType { get }
}

extension Float16: TensorScalar { public static var dataType: DataType { .float16 } }
extension Float: TensorScalar { public static var dataType: DataType { .float32 } }
extension Double: TensorScalar { public static var dataType: DataType { .float64 } }
extension Int8: TensorScalar { public static var dataType: DataType { .int8 } }
extension Int16: TensorScalar { public static var dataType: DataType { .int16 } }
extension Int32: TensorScalar { public static var dataType: DataType { .int32 } }
extension Int64: TensorScalar { public static var dataType: DataType { .int64 } }
extension Int: TensorScalar { public static var dataType: DataType { .int64 } }
extension UInt8: TensorScalar { public static var dataType: DataType { .uint8 } }
extension UInt16: TensorScalar { public static var dataType: DataType { .uint16 } }
extension UInt32: TensorScalar { public static var dataType: DataType { .uint32 } }
extension UInt64: TensorScalar { public static var dataType: DataType { .uint64 } }
extension Bool: TensorScalar { public static var dataType: DataType { .bool } }
