import CTorch

extension Tensor {
    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try produce("zeros") { ct_zeros(shape, shape.count, dtype.code, device.code, $0, $1) }
    }

    public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try produce("ones") { ct_ones(shape, shape.count, dtype.code, device.code, $0, $1) }
    }

    /// Uninitialised memory: every element must be written before it is read.
    public static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try produce("empty") { ct_empty(shape, shape.count, dtype.code, device.code, $0, $1) }
    }

    public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try produce("full") { ct_full(shape, shape.count, value, dtype.code, device.code, $0, $1) }
    }

    /// `[count]`: 0, 1, …, count − 1.
    public static func arange(_ count: Int, dtype: DType = .int64, device: Device = .cpu) throws -> Tensor {
        try produce("arange") { ct_arange(0, Double(count), 1, dtype.code, device.code, $0, $1) }
    }

    /// `from`, `from + by`, … below `to`.
    public static func arange(
        from: Double, to: Double, by step: Double = 1, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("arange") { ct_arange(from, to, step, dtype.code, device.code, $0, $1) }
    }

    /// `[count]` evenly spaced values, both ends included.
    public static func linspace(
        from: Double, to: Double, count: Int, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("linspace") { ct_linspace(from, to, count, dtype.code, device.code, $0, $1) }
    }

    /// `[size, size]`, ones on the diagonal.
    public static func eye(_ size: Int, dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try produce("eye") { ct_eye(size, dtype.code, device.code, $0, $1) }
    }

    /// Standard normal values.
    public static func randn(
        _ shape: [Int], generator: Generator, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("randn") { ct_randn(shape, shape.count, generator.handle, dtype.code, device.code, $0, $1) }
    }

    /// Uniform values from 0 up to 1.
    public static func rand(
        _ shape: [Int], generator: Generator, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("rand") { ct_rand(shape, shape.count, generator.handle, dtype.code, device.code, $0, $1) }
    }

    /// Values of the exponential distribution of rate 1.
    public static func exponential(
        _ shape: [Int], generator: Generator, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("exponential") { ct_exponential(shape, shape.count, generator.handle, dtype.code, device.code, $0, $1) }
    }

    /// Uniform whole numbers, int64.
    public static func randint(
        _ range: Range<Int>, _ shape: [Int], generator: Generator, device: Device = .cpu
    ) throws -> Tensor {
        try produce("randint") {
            ct_randint(range.lowerBound, range.upperBound, shape, shape.count, generator.handle, device.code, $0, $1)
        }
    }

    /// `[count]`: 0..<count in random order, int64.
    public static func randperm(_ count: Int, generator: Generator, device: Device = .cpu) throws -> Tensor {
        try produce("randperm") { ct_randperm(count, generator.handle, device.code, $0, $1) }
    }

    /// Copies Swift values, row by row; without a shape the result is `[values.count]`.
    public convenience init<Scalar: TensorScalar>(_ values: [Scalar], shape: [Int]? = nil, device: Device = .cpu) throws {
        let shape = shape ?? [values.count]
        let made = try values.withUnsafeBytes { bytes in
            try produce("tensor") {
                ct_from_host(bytes.baseAddress, bytes.count, shape, shape.count, Scalar.dtype.code, device.code, $0, $1)
            }
        }
        self.init(owning: try made.takeHandle())
    }

    /// A tensor without axes that contains one number.
    public convenience init(_ value: Double, dtype: DType = .float32, device: Device = .cpu) throws {
        self.init(owning: try Tensor.full([], value, dtype: dtype, device: device).takeHandle())
    }

    /// Another reference to the same object, for use in a convenience initialiser.
    private func takeHandle() throws -> OpaquePointer {
        var handle: OpaquePointer?
        try perform("tensor") { ct_detach(self.handle, &handle, $0) }
        return handle!
    }

    /// A CPU tensor over memory that `owner` keeps allocated; nothing is copied.
    static func aliasing(_ bytes: UnsafeMutableRawPointer, shape: [Int], dtype: DType, owner: AnyObject) throws -> Tensor {
        let context = Unmanaged.passRetained(owner)
        do {
            return try produce("tensor") {
                ct_alias(bytes, shape, shape.count, dtype.code, context.toOpaque(), { Unmanaged<AnyObject>.fromOpaque($0!).release() }, $0, $1)
            }
        } catch {
            context.release()
            throw error
        }
    }

    /// Joins tensors along an axis they have.
    public static func cat(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
        try withHandles(tensors) { handles in
            try produce("cat", tensors) { ct_cat(handles, tensors.count, axis, $0, $1) }
        }
    }

    /// Joins tensors of one shape along a new axis.
    public static func stack(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
        try withHandles(tensors) { handles in
            try produce("stack", tensors) { ct_stack(handles, tensors.count, axis, $0, $1) }
        }
    }
}

/// Passes the C handles of a list of tensors to `body`.
func withHandles<Result>(_ tensors: [Tensor], _ body: (UnsafePointer<OpaquePointer?>?) throws -> Result) rethrows -> Result {
    let handles = tensors.map { Optional($0.handle) }
    return try withExtendedLifetime(tensors) { try handles.withUnsafeBufferPointer { try body($0.baseAddress) } }
}

extension Tensor {
    /// Copies raw elements, row by row.
    convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws {
        let made = try produce("tensor") {
            ct_from_host(bytes.baseAddress, bytes.count, shape, shape.count, dtype.code, Device.cpu.code, $0, $1)
        }
        self.init(owning: try made.takeHandle())
    }
}
