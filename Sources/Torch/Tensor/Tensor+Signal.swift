import CTorch

extension Tensor {
    /// `[length]`; periodic windows are for Fourier transforms, symmetric ones for filters.
    public static func hannWindow(
        _ length: Int, periodic: Bool = true, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("hannWindow") { ct_hann_window(length, periodic, dtype.code, device.code, $0, $1) }
    }
    /// `[length]`: alpha − beta × cos.
    public static func hammingWindow(
        _ length: Int, periodic: Bool = true, alpha: Double = 0.54, beta: Double = 0.46, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try produce("hammingWindow") { ct_hamming_window(length, periodic, alpha, beta, dtype.code, device.code, $0, $1) }
    }

    /// The short-time Fourier transform: `[batch, samples]` → complex `[batch, bins, frames]`.
    public func stft(
        size: Int, hop: Int, window: Tensor, windowLength: Int? = nil, center: Bool = true, padMode: PaddingMode = .reflect,
        normalized: Bool = false, onesided: Bool = true
    ) throws -> Tensor {
        try produce("stft", [self]) {
            ct_stft(handle, size, hop, windowLength ?? window.count, window.handle, center, padMode.code, normalized, onesided, $0, $1)
        }
    }
    /// Back from ``stft(size:hop:window:windowLength:center:padMode:normalized:onesided:)``: complex
    /// `[batch, bins, frames]` → `[batch, samples]`.
    public func istft(
        size: Int, hop: Int, window: Tensor, windowLength: Int? = nil, center: Bool = true, normalized: Bool = false, length: Int? = nil
    ) throws -> Tensor {
        try withOptional(length) { length in
            try produce("istft", [self]) {
                ct_istft(handle, size, hop, windowLength ?? window.count, window.handle, center, normalized, length, $0, $1)
            }
        }
    }

    /// The Fourier transform of real values; only the bins of positive frequency.
    public func rfft(size: Int? = nil, axis: Int = -1) throws -> Tensor {
        try withOptional(size) { size in try produce("rfft", [self]) { ct_rfft(handle, size, axis, $0, $1) } }
    }
    /// Back from ``rfft(size:axis:)``.
    public func irfft(size: Int? = nil, axis: Int = -1) throws -> Tensor {
        try withOptional(size) { size in try produce("irfft", [self]) { ct_irfft(handle, size, axis, $0, $1) } }
    }
    public func fft(size: Int? = nil, axis: Int = -1) throws -> Tensor {
        try withOptional(size) { size in try produce("fft", [self]) { ct_fft(handle, size, axis, $0, $1) } }
    }
    public func ifft(size: Int? = nil, axis: Int = -1) throws -> Tensor {
        try withOptional(size) { size in try produce("ifft", [self]) { ct_ifft(handle, size, axis, $0, $1) } }
    }

    /// The real part of a complex tensor, a view.
    public func real() throws -> Tensor { try unary("real", ct_real) }
    /// The imaginary part of a complex tensor, a view.
    public func imag() throws -> Tensor { try unary("imag", ct_imag) }
    /// The angle of complex numbers, in radians.
    public func angle() throws -> Tensor { try unary("angle", ct_angle) }
    /// `[…]` complex → `[…, 2]`, a view.
    public func viewAsReal() throws -> Tensor { try unary("viewAsReal", ct_view_as_real) }
    /// `[…, 2]` → `[…]` complex, a view.
    public func viewAsComplex() throws -> Tensor { try unary("viewAsComplex", ct_view_as_complex) }
    public static func complex(_ real: Tensor, _ imaginary: Tensor) throws -> Tensor { try real.binary("complex", imaginary, ct_complex) }
    /// Complex numbers from magnitude and angle in radians.
    public static func polar(_ magnitude: Tensor, _ angle: Tensor) throws -> Tensor { try magnitude.binary("polar", angle, ct_polar) }
}
