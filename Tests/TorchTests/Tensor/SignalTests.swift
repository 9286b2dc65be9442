import TestSupport
import Testing
import Torch

@Suite("Spectra")
struct SignalTests {
    static let cases: [OperationCase] = [
        OperationCase("hannWindow") { _ in try Tensor.hannWindow(9) },
        OperationCase("hannWindow symmetric") { _ in try Tensor.hannWindow(9, periodic: false) },
        OperationCase("hammingWindow") { _ in try Tensor.hammingWindow(8, alpha: 0.5, beta: 0.3) },
        OperationCase("stft") { try $0.signal.stft(size: 16, hop: 4, window: .hannWindow(16)) },
        OperationCase("stft plain") {
            try $0.signal.stft(size: 16, hop: 8, window: .hannWindow(12), windowLength: 12, center: false, normalized: true, onesided: false)
        },
        OperationCase("rfft") { try $0.signal.rfft() }, OperationCase("rfft padded") { try $0.long.rfft(size: 16, axis: 1) },
        OperationCase("fft") { try $0.signal.fft() }, OperationCase("irfft") { try $0.signal.rfft()[.all, ..<20].irfft(size: 50) },
        OperationCase("angle") { try $0.signal.rfft().angle() }, OperationCase("polar") { try Tensor.polar($0.positive, $0.a) },
    ]

    @Test("spectra are Python's", arguments: cases) func spectra(operation: OperationCase) throws { try operation.check() }

    @Test("a signal is recovered from its spectrum", arguments: [(16, 4, true), (16, 8, true), (64, 16, true), (16, 4, false)])
    func roundTrip(size: Int, hop: Int, center: Bool) throws {
        let signal = try Tensor.randn([2, 400], generator: Generator(seed: 3))
        // Without centring, a Hann window would remove the first sample.
        let window = center ? try Tensor.hannWindow(size) : try Tensor.hammingWindow(size)
        let spectrum = try signal.stft(size: size, hop: hop, window: window, center: center)
        let back = try spectrum.istft(size: size, hop: hop, window: window, center: center, length: 400)
        try expectClose(back, signal, relative: 1e-5)
    }

    @Test("Fourier transforms are inverse to one another and keep the energy") func fourier() throws {
        let signal = try Tensor.randn([3, 60], generator: Generator(seed: 4))
        let spectrum = try signal.rfft()
        #expect(spectrum.dtype == .complex64 && spectrum.shape == [3, 31])
        try expectClose(spectrum.irfft(size: 60), signal, relative: 1e-5)
        try expectClose(signal.fft().ifft().real(), signal, relative: 1e-5)
        // Parseval: the sum of squares, divided by the transform's length.
        try expectClose(signal.fft().abs().square().sum(axis: 1) / 60, signal.square().sum(axis: 1), relative: 1e-5)
    }

    @Test("complex numbers are split into parts and joined again") func complex() throws {
        let generator = try Generator(seed: 5)
        let re = try Tensor.randn([2, 3], generator: generator), im = try Tensor.randn([2, 3], generator: generator)
        let z = try Tensor.complex(re, im)
        try expectClose(z.real(), re, relative: 0)
        try expectClose(z.imag(), im, relative: 0)
        try expectClose(z.viewAsReal(), .stack([re, im], axis: -1), relative: 0)
        try expectClose(Tensor.stack([re, im], axis: -1).viewAsComplex().imag(), im, relative: 0)
        try expectClose(Tensor.polar(z.abs(), z.angle()).viewAsReal(), z.viewAsReal(), relative: 1e-5)
    }
}
