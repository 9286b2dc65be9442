// Elementwise operations, reductions, shapes, matrix products, sorting.
//
// Families of similar functions are declared by lists, which the C++ side expands as well.
#ifndef CT_OPERATIONS_H
#define CT_OPERATIONS_H
#include "ct_types.h"
CT_BEGIN

// clang-format off
#define CT_UNARY_OPERATIONS(X) \
    X(exp) X(log) X(log2) X(log10) X(log1p) X(expm1) X(sqrt) X(rsqrt) X(square) X(abs) X(sign) X(neg) X(reciprocal) \
    X(sin) X(cos) X(tan) X(tanh) X(atan) X(sigmoid) X(relu) X(erf) X(floor) X(ceil) X(round) X(trunc) \
    X(isnan) X(isfinite) X(logical_not) X(angle) X(conj)
// clang-format on
#define CT_DECLARE(name) ct_status ct_##name(ct_tensor x, CT_OUT);
CT_UNARY_OPERATIONS(CT_DECLARE)
#undef CT_DECLARE

// clang-format off
#define CT_BINARY_OPERATIONS(X) \
    X(add) X(sub) X(mul) X(div) X(pow) X(maximum) X(minimum) X(atan2) X(remainder) X(floor_divide) \
    X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logical_and) X(logical_or) X(matmul) X(bmm)
// clang-format on
#define CT_DECLARE(name) ct_status ct_##name(ct_tensor a, ct_tensor b, CT_OUT);
CT_BINARY_OPERATIONS(CT_DECLARE)
#undef CT_DECLARE

/// Operations on a tensor and a number. With a whole number an integer tensor remains an integer tensor.
#define CT_SCALAR_OPERATIONS(X) X(add) X(sub) X(mul) X(div) X(pow) X(remainder) X(floor_divide) X(eq) X(ne) X(lt) X(le) X(gt) X(ge)
#define CT_DECLARE(name) ct_status ct_##name##_scalar(ct_tensor x, double value, CT_OUT);
CT_SCALAR_OPERATIONS(CT_DECLARE)
#undef CT_DECLARE
ct_status ct_rsub_scalar(ct_tensor x, double value, CT_OUT);  // value − x
ct_status ct_rdiv_scalar(ct_tensor x, double value, CT_OUT);  // value ÷ x
ct_status ct_rpow_scalar(ct_tensor x, double value, CT_OUT);  // value to the power x

ct_status ct_clamp(ct_tensor x, const double* low, const double* high, CT_OUT);  // either may be null
ct_status ct_lerp(ct_tensor a, ct_tensor b, double weight, CT_OUT);
ct_status ct_add_in_place(ct_tensor x, ct_tensor other, double scale, char** error);  // x += scale × other
ct_status ct_mul_in_place(ct_tensor x, ct_tensor other, char** error);
ct_status ct_mul_in_place_scalar(ct_tensor x, double value, char** error);
/// Every foreach list below has `count` tensors; x[i] += scale × other[i], x[i] ×= value.
ct_status ct_addcmul_in_place(ct_tensor x, ct_tensor a, ct_tensor b, double scale, char** error);
ct_status ct_addcdiv_in_place(ct_tensor x, ct_tensor a, ct_tensor b, double scale, char** error);
ct_status ct_addmm(ct_tensor x, ct_tensor a, ct_tensor b, CT_OUT);
ct_status ct_einsum(const char* equation, const ct_tensor* operands, ct_int count, CT_OUT);

// Reductions. With `axes` null: over the whole tensor.
ct_status ct_sum(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT);
ct_status ct_mean(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT);
ct_status ct_amax(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT);
ct_status ct_amin(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT);
ct_status ct_var(ct_tensor x, const ct_int* axes, ct_int count, bool unbiased, bool keep_axis, CT_OUT);
ct_status ct_std(ct_tensor x, const ct_int* axes, ct_int count, bool unbiased, bool keep_axis, CT_OUT);
ct_status ct_norm(ct_tensor x, double p, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT);
ct_status ct_logsumexp(ct_tensor x, ct_int axis, bool keep_axis, CT_OUT);
ct_status ct_prod(ct_tensor x, CT_OUT);
ct_status ct_any(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT);
ct_status ct_all(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT);
ct_status ct_cumsum(ct_tensor x, ct_int axis, CT_OUT);
ct_status ct_argmax(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT);
ct_status ct_argmin(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT);
ct_status ct_max_with_indices(ct_tensor x, ct_int axis, bool keep_axis, ct_tensor* values, ct_tensor* indices, char** error);
ct_status ct_sort(ct_tensor x, ct_int axis, bool descending, ct_tensor* values, ct_tensor* indices, char** error);
ct_status ct_topk(ct_tensor x, ct_int count, ct_int axis, ct_tensor* values, ct_tensor* indices, char** error);

// Shapes. The result is a view if libtorch can make one.
ct_status ct_reshape(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT);
ct_status ct_view(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT);
ct_status ct_transpose(ct_tensor x, ct_int a, ct_int b, CT_OUT);
ct_status ct_permute(ct_tensor x, const ct_int* axes, ct_int count, CT_OUT);
ct_status ct_unsqueeze(ct_tensor x, ct_int axis, CT_OUT);
ct_status ct_squeeze(ct_tensor x, const ct_int* axis, CT_OUT);
ct_status ct_flatten(ct_tensor x, ct_int from, ct_int to, CT_OUT);
ct_status ct_expand(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT);
ct_status ct_repeat(ct_tensor x, const ct_int* counts, ct_int rank, CT_OUT);
ct_status ct_repeat_interleave(ct_tensor x, ct_int count, ct_int axis, CT_OUT);
ct_status ct_flip(ct_tensor x, const ct_int* axes, ct_int count, CT_OUT);
ct_status ct_roll(ct_tensor x, ct_int shift, ct_int axis, CT_OUT);
ct_status ct_narrow(ct_tensor x, ct_int axis, ct_int from, ct_int count, CT_OUT);
ct_status ct_select(ct_tensor x, ct_int axis, ct_int index, CT_OUT);
ct_status ct_as_strided(ct_tensor x, const ct_int* shape, const ct_int* strides, ct_int rank, ct_int offset, CT_OUT);
ct_status ct_unfold(ct_tensor x, ct_int axis, ct_int size, ct_int step, CT_OUT);
ct_status ct_tril(ct_tensor x, ct_int diagonal, CT_OUT);
ct_status ct_triu(ct_tensor x, ct_int diagonal, CT_OUT);
ct_status ct_cat(const ct_tensor* tensors, ct_int count, ct_int axis, CT_OUT);
ct_status ct_stack(const ct_tensor* tensors, ct_int count, ct_int axis, CT_OUT);
enum { CT_PAD_CONSTANT, CT_PAD_REFLECT, CT_PAD_REPLICATE, CT_PAD_CIRCULAR };
ct_status ct_pad(ct_tensor x, const ct_int* amounts, ct_int count, int32_t mode, double value, CT_OUT);

// Selection by index or mask.
ct_status ct_index_select(ct_tensor x, ct_int axis, ct_tensor index, CT_OUT);
ct_status ct_gather(ct_tensor x, ct_int axis, ct_tensor index, CT_OUT);
ct_status ct_scatter(ct_tensor x, ct_int axis, ct_tensor index, ct_tensor source, CT_OUT);
ct_status ct_scatter_value(ct_tensor x, ct_int axis, ct_tensor index, double value, CT_OUT);
ct_status ct_index_add(ct_tensor x, ct_int axis, ct_tensor index, ct_tensor source, CT_OUT);
ct_status ct_index_put(ct_tensor x, const ct_tensor* indices, ct_int count, ct_tensor values, CT_OUT);
// In place.
ct_status ct_put(ct_tensor x, const ct_tensor* indices, ct_int count, ct_tensor values, char** error);
ct_status ct_masked_fill(ct_tensor x, ct_tensor mask, double value, CT_OUT);
ct_status ct_masked_select(ct_tensor x, ct_tensor mask, CT_OUT);
ct_status ct_where(ct_tensor mask, ct_tensor a, ct_tensor b, CT_OUT);
ct_status ct_bincount(ct_tensor x, ct_int minimum, CT_OUT);

CT_END
#endif
