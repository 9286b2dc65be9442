// Windows, Fourier transforms and complex numbers.
#ifndef CT_SIGNAL_H
#define CT_SIGNAL_H
#include "ct_types.h"
CT_BEGIN

ct_status ct_hann_window(ct_int length, bool periodic, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_hamming_window(ct_int length, bool periodic, double alpha, double beta, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_stft(ct_tensor x, ct_int size, ct_int hop, ct_int window_length, ct_tensor window, bool center, int32_t pad_mode, bool normalized,
    bool onesided, CT_OUT);
ct_status ct_istft(
    ct_tensor x, ct_int size, ct_int hop, ct_int window_length, ct_tensor window, bool center, bool normalized, const ct_int* length, CT_OUT);
ct_status ct_rfft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT);
ct_status ct_irfft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT);
ct_status ct_fft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT);
ct_status ct_ifft(ct_tensor x, const ct_int* size, ct_int axis, CT_OUT);
ct_status ct_real(ct_tensor x, CT_OUT);
ct_status ct_imag(ct_tensor x, CT_OUT);
ct_status ct_view_as_real(ct_tensor x, CT_OUT);
ct_status ct_view_as_complex(ct_tensor x, CT_OUT);
ct_status ct_complex(ct_tensor real, ct_tensor imaginary, CT_OUT);
ct_status ct_polar(ct_tensor magnitude, ct_tensor angle, CT_OUT);

CT_END
#endif
