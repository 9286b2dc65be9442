import CTorch

extension Tensor {
    /// The elements, row by row, converted to `Scalar`.
    public func array<Scalar: TensorScalar>(of type: Scalar.Type = Scalar.self) throws -> [Scalar] {
        let count = self.count
        var values = [Scalar](repeating: Scalar(), count: count)
        try values.withUnsafeMutableBytes { bytes in
            try perform("array", [self]) { ct_to_host(handle, bytes.baseAddress, bytes.count, Scalar.dtype.code, $0) }
        }
        return values
    }

    /// The only element.
    public func item<Scalar: TensorScalar>(_ type: Scalar.Type = Scalar.self) throws -> Scalar {
        guard count == 1 else {
            throw TorchError(kind: .invalid, operation: "item", shapes: [shape], message: "expected a tensor of one element")
        }
        return try array(of: type)[0]
    }

    /// Passes the elements of a contiguous CPU tensor to `body` without copying them. Changes are visible in every view.
    ///
    /// - Throws: ``TorchError`` if the tensor is on another device, is not contiguous or has another element type.
    package func withElements<Scalar: TensorScalar, Result>(
        of type: Scalar.Type, _ body: (UnsafeMutableBufferPointer<Scalar>) throws -> Result
    ) throws -> Result {
        guard device == .cpu, isContiguous, dtype == Scalar.dtype else {
            throw TorchError(
                kind: .invalid, operation: "withElements", shapes: [shape],
                message: "expected contiguous \(Scalar.dtype.rawValue) on cpu, found \(isContiguous ? "" : "strided ")\(dtype.rawValue) on \(device)")
        }
        return try withExtendedLifetime(self) {
            let start = ct_tensor_data(handle)?.assumingMemoryBound(to: Scalar.self)
            return try body(UnsafeMutableBufferPointer(start: start, count: count))
        }
    }

    /// The first element of a CPU tensor, a view or not, and the strides of its axes in elements; for the package's own kernels. The memory remains
    /// valid as long as the tensor exists.
    ///
    /// - Throws: ``TorchError`` if the tensor is on another device or has another element type.
    package func storage<Scalar: TensorScalar>(of type: Scalar.Type) throws -> (start: UnsafeMutablePointer<Scalar>, strides: [Int]) {
        guard device == .cpu, dtype == Scalar.dtype, let start = ct_tensor_data(handle) else {
            throw TorchError(
                kind: .invalid, operation: "storage", shapes: [shape],
                message: "expected \(Scalar.dtype.rawValue) on cpu, found \(dtype.rawValue) on \(device)")
        }
        return (start.assumingMemoryBound(to: Scalar.self), strides)
    }

    /// Lends the bytes of a contiguous CPU tensor of any element type.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let flat = try to(.cpu).contiguous()
        return try withExtendedLifetime(flat) {
            try body(UnsafeRawBufferPointer(start: ct_tensor_data(flat.handle), count: flat.byteCount))
        }
    }

    /// Converts the elements; the same tensor where nothing changes.
    public func to(_ dtype: DType) throws -> Tensor {
        ct_tensor_dtype(handle) == dtype.code ? self : try produce("to", [self]) { ct_to_dtype(handle, dtype.code, $0, $1) }
    }

    /// Moves to a device; returns the same tensor if it is there already.
    public func to(_ device: Device) throws -> Tensor {
        ct_tensor_device(handle) == device.code ? self : try produce("to", [self]) { ct_to_device(handle, device.code, $0, $1) }
    }

    /// The same values row by row without gaps.
    public func contiguous() throws -> Tensor {
        isContiguous ? self : try produce("contiguous", [self]) { ct_contiguous(handle, $0, $1) }
    }

    /// A copy with its own memory.
    public func clone() throws -> Tensor { try produce("clone", [self]) { ct_clone(handle, $0, $1) } }

    /// The same memory without a history to differentiate.
    public func detached() throws -> Tensor { try produce("detached", [self]) { ct_detach(handle, $0, $1) } }

    /// Writes `source` into this tensor's memory, broadcasting and converting: `try cache[slot, 0..<n].assign(keys)`.
    package func assign(_ source: Tensor) throws {
        try perform("assign", [self, source]) { ct_assign(handle, source.handle, $0) }
    }

    /// Sets every element in place.
    package func fill(_ value: Double) throws { try perform("fill", [self]) { ct_fill(handle, value, $0) } }
}
