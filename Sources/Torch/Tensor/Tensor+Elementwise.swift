import CTorch

extension Tensor {
    @inline(__always)
    func unary(_ name: StaticString, _ call: (OpaquePointer?, TensorSlot?, ErrorSlot?) -> ct_status) throws -> Tensor {
        try produce(name, [self]) { call(handle, $0, $1) }
    }

    public func exp() throws -> Tensor { try unary("exp", ct_exp) }
    /// The natural logarithm.
    public func log() throws -> Tensor { try unary("log", ct_log) }
    public func log2() throws -> Tensor { try unary("log2", ct_log2) }
    public func log10() throws -> Tensor { try unary("log10", ct_log10) }
    /// log(1 + x).
    public func log1p() throws -> Tensor { try unary("log1p", ct_log1p) }
    /// exp(x) − 1.
    public func expm1() throws -> Tensor { try unary("expm1", ct_expm1) }
    public func sqrt() throws -> Tensor { try unary("sqrt", ct_sqrt) }
    /// 1 ÷ √x.
    public func rsqrt() throws -> Tensor { try unary("rsqrt", ct_rsqrt) }
    public func square() throws -> Tensor { try unary("square", ct_square) }
    public func abs() throws -> Tensor { try unary("abs", ct_abs) }
    public func sign() throws -> Tensor { try unary("sign", ct_sign) }
    public func reciprocal() throws -> Tensor { try unary("reciprocal", ct_reciprocal) }
    public func sin() throws -> Tensor { try unary("sin", ct_sin) }
    public func cos() throws -> Tensor { try unary("cos", ct_cos) }
    public func tan() throws -> Tensor { try unary("tan", ct_tan) }
    public func tanh() throws -> Tensor { try unary("tanh", ct_tanh) }
    public func atan() throws -> Tensor { try unary("atan", ct_atan) }
    public func sigmoid() throws -> Tensor { try unary("sigmoid", ct_sigmoid) }
    public func relu() throws -> Tensor { try unary("relu", ct_relu) }
    /// Gauss's error function.
    public func erf() throws -> Tensor { try unary("erf", ct_erf) }
    public func floor() throws -> Tensor { try unary("floor", ct_floor) }
    public func ceil() throws -> Tensor { try unary("ceil", ct_ceil) }
    /// To the nearest whole number, halves to the even one.
    public func round() throws -> Tensor { try unary("round", ct_round) }
    /// Towards zero.
    public func trunc() throws -> Tensor { try unary("trunc", ct_trunc) }
    /// x × sigmoid(x), the swish of Ramachandran et al. 2017.
    public func silu() throws -> Tensor { try unary("silu", ct_silu) }
    /// x × tanh(softplus(x)), Misra 2019.
    public func mish() throws -> Tensor { try unary("mish", ct_mish) }
    /// log(1 + exp(x)).
    public func softplus() throws -> Tensor { try unary("softplus", ct_softplus) }

    public func isNaN() throws -> Tensor { try unary("isNaN", ct_isnan) }
    public func isFinite() throws -> Tensor { try unary("isFinite", ct_isfinite) }

    /// Hendrycks and Gimpel 2016; `approximate` is the form with tanh that GPT-2 uses.
    public func gelu(approximate: Bool = false) throws -> Tensor {
        try produce("gelu", [self]) { ct_gelu(handle, approximate, $0, $1) }
    }
    public func elu(_ alpha: Double = 1) throws -> Tensor { try produce("elu", [self]) { ct_elu(handle, alpha, $0, $1) } }
    public func leakyReLU(_ slope: Double = 0.01) throws -> Tensor {
        try produce("leakyReLU", [self]) { ct_leaky_relu(handle, slope, $0, $1) }
    }

    public func pow(_ exponent: Double) throws -> Tensor { try scalar("pow", exponent, ct_pow_scalar) }
    public func pow(_ exponent: Tensor) throws -> Tensor { try binary("pow", exponent, ct_pow) }
    /// A number to the power of each element.
    public static func pow(_ base: Double, _ exponent: Tensor) throws -> Tensor {
        try exponent.scalar("pow", base, ct_rpow_scalar)
    }
    /// Elements held between the bounds that are given.
    public func clamped(min low: Double? = nil, max high: Double? = nil) throws -> Tensor {
        try withOptional(low) { low in
            try withOptional(high) { high in try produce("clamped", [self]) { ct_clamp(handle, low, high, $0, $1) } }
        }
    }
    public func maximum(_ other: Tensor) throws -> Tensor { try binary("maximum", other, ct_maximum) }
    public func minimum(_ other: Tensor) throws -> Tensor { try binary("minimum", other, ct_minimum) }
    public func atan2(_ other: Tensor) throws -> Tensor { try binary("atan2", other, ct_atan2) }
    /// The remainder with the divisor's sign, like Python's `%`.
    public func remainder(_ divisor: Double) throws -> Tensor { try scalar("remainder", divisor, ct_remainder_scalar) }
    /// Division rounded down.
    public func floorDivide(_ divisor: Double) throws -> Tensor { try scalar("floorDivide", divisor, ct_floor_divide_scalar) }
    /// From this tensor (weight 0) to `other` (weight 1).
    public func lerp(_ other: Tensor, weight: Double) throws -> Tensor {
        try produce("lerp", [self, other]) { ct_lerp(handle, other.handle, weight, $0, $1) }
    }
}
