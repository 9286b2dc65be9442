// Differentiation.
#ifndef CT_AUTOGRAD_H
#define CT_AUTOGRAD_H
#include "ct_types.h"
CT_BEGIN

/// Whether operations on the calling thread record what differentiation needs.
bool ct_gradients_enabled(void);
void ct_set_gradients_enabled(bool enabled);
bool ct_requires_gradient(ct_tensor x);
ct_status ct_set_requires_gradient(ct_tensor x, bool required, char** error);
/// `*out` is null if no gradient has been computed.
ct_status ct_gradient(ct_tensor x, CT_OUT);
ct_status ct_clear_gradient(ct_tensor x, char** error);
ct_status ct_backward(ct_tensor x, char** error);
/// Gradients of one number by `count` leaves, without changing their accumulated gradients; null for leaves on which the number does not depend. Each
/// gradient has its own memory, in the layout of its leaf. Several threads may call this at the same time for graphs that share only leaves.
ct_status ct_gradients(ct_tensor x, const ct_tensor* leaves, ct_int count, ct_tensor* gradients, char** error);

/// Whether ct_onednn_linear supports these operands and is faster than ct_linear: float32 on a CPU with AVX-512, and enough rows.
bool ct_onednn_takes_linear(ct_tensor x, ct_tensor weight, ct_tensor bias /* or null */);
/// x Wᵀ + b + s (x Aᵀ) Bᵀ by oneDNN, differentiable once in all operands; with both or none of `a` and `b`. Equal to the result of ct_linear up to
/// rounding.
ct_status ct_onednn_linear(
    ct_tensor x, ct_tensor weight, ct_tensor bias /* or null */, ct_tensor a /* or null */, ct_tensor b /* or null */, double scale, CT_OUT);

CT_END
#endif
