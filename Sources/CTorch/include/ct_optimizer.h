// Operations of an optimiser on all parameters in one call. Nothing is recorded for differentiation.
#ifndef CT_OPTIMIZER_H
#define CT_OPTIMIZER_H
#include "ct_types.h"
CT_BEGIN

/// One step of AdamW (Loshchilov and Hutter 2019) in place on `count` parameters and their two moments; `step` counts from 1.
ct_status ct_adamw(const ct_tensor* parameters, const ct_tensor* gradients, const ct_tensor* first, const ct_tensor* second, ct_int count,
    ct_int step, double rate, double beta1, double beta2, double decay, double epsilon, char** error);
/// The norm of all elements of the tensors together.
ct_status ct_norm_all(const ct_tensor* tensors, ct_int count, double* norm, char** error);
/// x[i] *= factor.
ct_status ct_scale_all_in_place(const ct_tensor* x, ct_int count, double factor, char** error);
/// x[i] += weight × (other[i] − x[i]).
ct_status ct_lerp_all_in_place(const ct_tensor* x, const ct_tensor* other, ct_int count, double weight, char** error);

CT_END
#endif
