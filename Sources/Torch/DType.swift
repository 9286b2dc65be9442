import CTorch

/// The type of a tensor's elements.
public enum DType: String, Sendable, Hashable, CaseIterable, Codable {
    case float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool, complex64

    /// The size of an element in bytes.
    public var size: Int {
        switch self {
        case .float64, .int64, .complex64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// Whether elements are real numbers with a fraction.
    public var isFloatingPoint: Bool {
        switch self {
        case .float32, .float64, .float16, .bfloat16: true
        default: false
        }
    }

    var code: ct_dtype {
        switch self {
        case .float32: ct_dtype(CT_FLOAT32)
        case .float64: ct_dtype(CT_FLOAT64)
        case .float16: ct_dtype(CT_FLOAT16)
        case .bfloat16: ct_dtype(CT_BFLOAT16)
        case .int64: ct_dtype(CT_INT64)
        case .int32: ct_dtype(CT_INT32)
        case .int16: ct_dtype(CT_INT16)
        case .int8: ct_dtype(CT_INT8)
        case .uint8: ct_dtype(CT_UINT8)
        case .bool: ct_dtype(CT_BOOL)
        case .complex64: ct_dtype(CT_COMPLEX64)
        }
    }

    init(code: ct_dtype) {
        guard let match = DType.allCases.first(where: { $0.code == code }) else {
            preconditionFailure("a tensor with an element type that this package does not use")
        }
        self = match
    }
}

/// A Swift type from whose values a tensor can be created, and to which its elements can be copied.
public protocol TensorScalar: Sendable {
    /// The element type that holds such values.
    static var dtype: DType { get }
    /// A value with which new memory is filled.
    init()
}

extension Float: TensorScalar { public static var dtype: DType { .float32 } }
extension Double: TensorScalar { public static var dtype: DType { .float64 } }
extension Int: TensorScalar { public static var dtype: DType { .int64 } }
extension Int64: TensorScalar { public static var dtype: DType { .int64 } }
extension Int32: TensorScalar { public static var dtype: DType { .int32 } }
extension Int16: TensorScalar { public static var dtype: DType { .int16 } }
extension Int8: TensorScalar { public static var dtype: DType { .int8 } }
extension UInt8: TensorScalar { public static var dtype: DType { .uint8 } }
extension Bool: TensorScalar { public static var dtype: DType { .bool } }
