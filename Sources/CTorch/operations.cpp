#include "support.h"

#include <ATen/Functions.h>

using namespace ct;

// MARK: families

#define CT_DEFINE(name) \
    ct_status ct_##name(ct_tensor x, CT_OUT) { \
        return produce(out, error, [&] { return at::name(Borrowed(x)); }); \
    }
CT_UNARY_OPERATIONS(CT_DEFINE)
#undef CT_DEFINE

#define CT_DEFINE(name) \
    ct_status ct_##name(ct_tensor a, ct_tensor b, CT_OUT) { \
        return produce(out, error, [&] { return at::name(Borrowed(a), Borrowed(b)); }); \
    }
CT_BINARY_OPERATIONS(CT_DEFINE)
#undef CT_DEFINE

#define CT_DEFINE(name) \
    ct_status ct_##name##_scalar(ct_tensor x, double value, CT_OUT) { \
        return produce(out, error, [&] { \
            Borrowed tensor(x); \
            return at::name(tensor, number(tensor, value)); \
        }); \
    }
CT_SCALAR_OPERATIONS(CT_DEFINE)
#undef CT_DEFINE

ct_status ct_rsub_scalar(ct_tensor x, double value, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return at::rsub(tensor, number(tensor, value));
    });
}
ct_status ct_rdiv_scalar(ct_tensor x, double value, CT_OUT) {
    return produce(out, error, [&] { return at::mul(at::reciprocal(Borrowed(x)), value); });
}
ct_status ct_rpow_scalar(ct_tensor x, double value, CT_OUT) {
    return produce(out, error, [&] { return at::pow(at::Scalar(value), Borrowed(x)); });
}

ct_status ct_clamp(ct_tensor x, const double* low, const double* high, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        std::optional<at::Scalar> minimum, maximum;
        if (low) minimum = number(tensor, *low);
        if (high) maximum = number(tensor, *high);
        return at::clamp(tensor, minimum, maximum);
    });
}
ct_status ct_lerp(ct_tensor a, ct_tensor b, double weight, CT_OUT) {
    return produce(out, error, [&] { return at::lerp(Borrowed(a), Borrowed(b), weight); });
}
ct_status ct_add_in_place(ct_tensor x, ct_tensor other, double scale, char** error) {
    return guard(error, [&] {
        Borrowed tensor(x);
        tensor->add_(Borrowed(other), number(tensor, scale));
    });
}
ct_status ct_mul_in_place(ct_tensor x, ct_tensor other, char** error) {
    return guard(error, [&] { Borrowed(x)->mul_(Borrowed(other)); });
}
ct_status ct_mul_in_place_scalar(ct_tensor x, double value, char** error) {
    return guard(error, [&] {
        Borrowed tensor(x);
        tensor->mul_(number(tensor, value));
    });
}
ct_status ct_addcmul_in_place(ct_tensor x, ct_tensor a, ct_tensor b, double scale, char** error) {
    return guard(error, [&] { Borrowed(x)->addcmul_(Borrowed(a), Borrowed(b), scale); });
}
ct_status ct_addcdiv_in_place(ct_tensor x, ct_tensor a, ct_tensor b, double scale, char** error) {
    return guard(error, [&] { Borrowed(x)->addcdiv_(Borrowed(a), Borrowed(b), scale); });
}
ct_status ct_addmm(ct_tensor x, ct_tensor a, ct_tensor b, CT_OUT) {
    return produce(out, error, [&] { return at::addmm(Borrowed(x), Borrowed(a), Borrowed(b)); });
}
ct_status ct_einsum(const char* equation, const ct_tensor* operands, ct_int count, CT_OUT) {
    return produce(out, error, [&] { return at::einsum(equation, list(operands, count)); });
}

// MARK: reductions

ct_status ct_sum(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::sum(Borrowed(x), ct::axes(axes, count), keep_axis); });
}
ct_status ct_mean(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::mean(Borrowed(x), ct::axes(axes, count), keep_axis); });
}
ct_status ct_amax(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::amax(Borrowed(x), axes ? sizes(axes, count) : at::IntArrayRef(), keep_axis); });
}
ct_status ct_amin(ct_tensor x, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::amin(Borrowed(x), axes ? sizes(axes, count) : at::IntArrayRef(), keep_axis); });
}
ct_status ct_var(ct_tensor x, const ct_int* axes, ct_int count, bool unbiased, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::var(Borrowed(x), ct::axes(axes, count), std::optional<at::Scalar>(unbiased ? 1 : 0), keep_axis); });
}
ct_status ct_std(ct_tensor x, const ct_int* axes, ct_int count, bool unbiased, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::std(Borrowed(x), ct::axes(axes, count), std::optional<at::Scalar>(unbiased ? 1 : 0), keep_axis); });
}
ct_status ct_norm(ct_tensor x, double p, const ct_int* axes, ct_int count, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::linalg_vector_norm(Borrowed(x), p, ct::axes(axes, count), keep_axis); });
}
ct_status ct_logsumexp(ct_tensor x, ct_int axis, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::logsumexp(Borrowed(x), axis, keep_axis); });
}
ct_status ct_prod(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::prod(Borrowed(x)); });
}
ct_status ct_any(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return axis ? at::any(tensor, *axis, keep_axis) : at::any(tensor);
    });
}
ct_status ct_all(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return axis ? at::all(tensor, *axis, keep_axis) : at::all(tensor);
    });
}
ct_status ct_cumsum(ct_tensor x, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::cumsum(Borrowed(x), axis); });
}
ct_status ct_argmax(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::argmax(Borrowed(x), optional<int64_t>(axis), keep_axis); });
}
ct_status ct_argmin(ct_tensor x, const ct_int* axis, bool keep_axis, CT_OUT) {
    return produce(out, error, [&] { return at::argmin(Borrowed(x), optional<int64_t>(axis), keep_axis); });
}

namespace {
/// Returns both tensors of a pair.
template <class Body>
ct_status produce_pair(ct_tensor* first, ct_tensor* second, char** error, Body&& body) {
    return guard(error, [&] {
        auto [a, b] = body();
        *first = give(std::move(a));
        *second = give(std::move(b));
    });
}
}  // namespace

ct_status ct_max_with_indices(ct_tensor x, ct_int axis, bool keep_axis, ct_tensor* values, ct_tensor* indices, char** error) {
    return produce_pair(values, indices, error, [&] { return at::max(Borrowed(x), axis, keep_axis); });
}
ct_status ct_sort(ct_tensor x, ct_int axis, bool descending, ct_tensor* values, ct_tensor* indices, char** error) {
    return produce_pair(values, indices, error, [&] { return at::sort(Borrowed(x), axis, descending); });
}
ct_status ct_topk(ct_tensor x, ct_int count, ct_int axis, ct_tensor* values, ct_tensor* indices, char** error) {
    return produce_pair(values, indices, error, [&] { return at::topk(Borrowed(x), count, axis); });
}

// MARK: shapes

ct_status ct_reshape(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->reshape(sizes(shape, rank)); });
}
ct_status ct_view(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->view(sizes(shape, rank)); });
}
ct_status ct_transpose(ct_tensor x, ct_int a, ct_int b, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->transpose(a, b); });
}
ct_status ct_permute(ct_tensor x, const ct_int* axes, ct_int count, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->permute(sizes(axes, count)); });
}
ct_status ct_unsqueeze(ct_tensor x, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->unsqueeze(axis); });
}
ct_status ct_squeeze(ct_tensor x, const ct_int* axis, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return axis ? tensor->squeeze(*axis) : tensor->squeeze();
    });
}
ct_status ct_flatten(ct_tensor x, ct_int from, ct_int to, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->flatten(from, to); });
}
ct_status ct_expand(ct_tensor x, const ct_int* shape, ct_int rank, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->expand(sizes(shape, rank)); });
}
ct_status ct_repeat(ct_tensor x, const ct_int* counts, ct_int rank, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->repeat(sizes(counts, rank)); });
}
ct_status ct_repeat_interleave(ct_tensor x, ct_int count, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::repeat_interleave(Borrowed(x), count, axis); });
}
ct_status ct_flip(ct_tensor x, const ct_int* axes, ct_int count, CT_OUT) {
    return produce(out, error, [&] { return at::flip(Borrowed(x), sizes(axes, count)); });
}
ct_status ct_roll(ct_tensor x, ct_int shift, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::roll(Borrowed(x), shift, axis); });
}
ct_status ct_narrow(ct_tensor x, ct_int axis, ct_int from, ct_int count, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->narrow(axis, from, count); });
}
ct_status ct_select(ct_tensor x, ct_int axis, ct_int index, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->select(axis, index); });
}
ct_status ct_as_strided(ct_tensor x, const ct_int* shape, const ct_int* strides, ct_int rank, ct_int offset, CT_OUT) {
    return produce(out, error, [&] { return at::as_strided(Borrowed(x), sizes(shape, rank), sizes(strides, rank), offset); });
}
ct_status ct_unfold(ct_tensor x, ct_int axis, ct_int size, ct_int step, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->unfold(axis, size, step); });
}
ct_status ct_tril(ct_tensor x, ct_int diagonal, CT_OUT) {
    return produce(out, error, [&] { return at::tril(Borrowed(x), diagonal); });
}
ct_status ct_triu(ct_tensor x, ct_int diagonal, CT_OUT) {
    return produce(out, error, [&] { return at::triu(Borrowed(x), diagonal); });
}
ct_status ct_cat(const ct_tensor* tensors, ct_int count, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::cat(list(tensors, count), axis); });
}
ct_status ct_stack(const ct_tensor* tensors, ct_int count, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::stack(list(tensors, count), axis); });
}
ct_status ct_pad(ct_tensor x, const ct_int* amounts, ct_int count, int32_t mode, double value, CT_OUT) {
    static const char* const modes[] = {"constant", "reflect", "replicate", "circular"};
    return produce(out, error, [&] {
        return at::pad(Borrowed(x), sizes(amounts, count), modes[mode], mode == CT_PAD_CONSTANT ? std::optional<double>(value) : std::nullopt);
    });
}

// MARK: selection

ct_status ct_index_select(ct_tensor x, ct_int axis, ct_tensor index, CT_OUT) {
    return produce(out, error, [&] { return at::index_select(Borrowed(x), axis, Borrowed(index)); });
}
ct_status ct_gather(ct_tensor x, ct_int axis, ct_tensor index, CT_OUT) {
    return produce(out, error, [&] { return at::gather(Borrowed(x), axis, Borrowed(index)); });
}
ct_status ct_scatter(ct_tensor x, ct_int axis, ct_tensor index, ct_tensor source, CT_OUT) {
    return produce(out, error, [&] { return at::scatter(Borrowed(x), axis, Borrowed(index), Borrowed(source)); });
}
ct_status ct_scatter_value(ct_tensor x, ct_int axis, ct_tensor index, double value, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return at::scatter(tensor, axis, Borrowed(index), number(tensor, value));
    });
}
ct_status ct_index_add(ct_tensor x, ct_int axis, ct_tensor index, ct_tensor source, CT_OUT) {
    return produce(out, error, [&] { return at::index_add(Borrowed(x), axis, Borrowed(index), Borrowed(source)); });
}
ct_status ct_index_put(ct_tensor x, const ct_tensor* indices, ct_int count, ct_tensor values, CT_OUT) {
    return produce(out, error, [&] {
        c10::List<std::optional<at::Tensor>> chosen;
        for (auto& index : list(indices, count)) chosen.push_back(index);
        return at::index_put(Borrowed(x), chosen, Borrowed(values));
    });
}
ct_status ct_put(ct_tensor x, const ct_tensor* indices, ct_int count, ct_tensor values, char** error) {
    return guard(error, [&] {
        c10::List<std::optional<at::Tensor>> chosen;
        for (auto& index : list(indices, count)) chosen.push_back(index);
        at::Tensor target(Borrowed{x});
        at::index_put_(target, chosen, Borrowed(values));
    });
}
ct_status ct_masked_fill(ct_tensor x, ct_tensor mask, double value, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        return at::masked_fill(tensor, Borrowed(mask), number(tensor, value));
    });
}
ct_status ct_masked_select(ct_tensor x, ct_tensor mask, CT_OUT) {
    return produce(out, error, [&] { return at::masked_select(Borrowed(x), Borrowed(mask)); });
}
ct_status ct_where(ct_tensor mask, ct_tensor a, ct_tensor b, CT_OUT) {
    return produce(out, error, [&] { return at::where(Borrowed(mask), Borrowed(a), Borrowed(b)); });
}
ct_status ct_bincount(ct_tensor x, ct_int minimum, CT_OUT) {
    return produce(out, error, [&] { return at::bincount(Borrowed(x), {}, minimum); });
}
