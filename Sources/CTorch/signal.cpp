#include "support.h"

#include <ATen/Functions.h>

using namespace ct;

ct_status ct_hann_window(ct_int length, bool periodic, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::hann_window(length, periodic, options(dtype, device)); });
}
ct_status ct_hamming_window(ct_int length, bool periodic, double alpha, double beta, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::hamming_window(length, periodic, alpha, beta, options(dtype, device)); });
}
ct_status ct_stft(ct_tensor x, ct_int size, ct_int hop, ct_int window_length, ct_tensor window, bool center, int32_t pad_mode, bool normalized,
    bool onesided, CT_OUT) {
    static const char* const modes[] = {"constant", "reflect", "replicate", "circular"};
    return produce(out, error, [&] {
        return at::stft(Borrowed(x), size, hop, window_length, Borrowed(window).optional(), center, modes[pad_mode], normalized, onesided,
            /*return_complex=*/true);
    });
}
ct_status ct_istft(
    ct_tensor x, ct_int size, ct_int hop, ct_int window_length, ct_tensor window, bool center, bool normalized, const ct_int* length, CT_OUT) {
    return produce(out, error, [&] {
        return at::istft(Borrowed(x), size, hop, window_length, Borrowed(window).optional(), center, normalized, std::nullopt,
            optional<int64_t>(length), /*return_complex=*/false);
    });
}
ct_status ct_rfft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::fft_rfft(Borrowed(x), optional<int64_t>(size), axis); });
}
ct_status ct_irfft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::fft_irfft(Borrowed(x), optional<int64_t>(size), axis); });
}
ct_status ct_fft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::fft_fft(Borrowed(x), optional<int64_t>(size), axis); });
}
ct_status ct_ifft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::fft_ifft(Borrowed(x), optional<int64_t>(size), axis); });
}
ct_status ct_real(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::real(Borrowed(x)); });
}
ct_status ct_imag(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::imag(Borrowed(x)); });
}
ct_status ct_view_as_real(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::view_as_real(Borrowed(x)); });
}
ct_status ct_view_as_complex(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::view_as_complex(Borrowed(x)); });
}
ct_status ct_complex(ct_tensor real, ct_tensor imaginary, CT_OUT) {
    return produce(out, error, [&] { return at::complex(Borrowed(real), Borrowed(imaginary)); });
}
ct_status ct_polar(ct_tensor magnitude, ct_tensor angle, CT_OUT) {
    return produce(out, error, [&] { return at::polar(Borrowed(magnitude), Borrowed(angle)); });
}
