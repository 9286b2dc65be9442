#include "support.h"

#include <ATen/Functions.h>
#include <ATen/TensorIndexing.h>

#include <sstream>

using namespace ct;

void ct_tensor_release(ct_tensor x) {
    if (x) c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl*>(x));
}

namespace {
c10::TensorImpl* implementation(ct_tensor x) { return reinterpret_cast<c10::TensorImpl*>(x); }
}

ct_int ct_tensor_rank(ct_tensor x) { return implementation(x)->dim(); }
ct_int ct_tensor_size(ct_tensor x, ct_int axis) { return implementation(x)->sizes()[axis]; }
ct_int ct_tensor_stride(ct_tensor x, ct_int axis) { return implementation(x)->strides()[axis]; }
ct_int ct_tensor_count(ct_tensor x) { return implementation(x)->numel(); }
ct_dtype ct_tensor_dtype(ct_tensor x) { return dtype_code(c10::typeMetaToScalarType(implementation(x)->dtype())); }
ct_device ct_tensor_device(ct_tensor x) {
    auto device = implementation(x)->device();
    return device.is_cuda() ? device.index() : -1;
}
bool ct_tensor_is_contiguous(ct_tensor x) { return implementation(x)->is_contiguous(); }
void* ct_tensor_data(ct_tensor x) {
    auto* tensor = implementation(x);
    return tensor->device().is_cpu() && tensor->numel() > 0 ? tensor->mutable_data() : nullptr;
}

ct_status ct_zeros(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::zeros(sizes(shape, rank), options(dtype, device)); });
}
ct_status ct_ones(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::ones(sizes(shape, rank), options(dtype, device)); });
}
ct_status ct_empty(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::empty(sizes(shape, rank), options(dtype, device)); });
}
ct_status ct_full(const ct_int* shape, ct_int rank, double value, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::full(sizes(shape, rank), value, options(dtype, device)); });
}
ct_status ct_arange(double from, double to, double step, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] {
        auto wanted = options(dtype, device);
        if (at::isIntegralType(scalar_type(dtype), false))
            return at::arange(static_cast<int64_t>(from), static_cast<int64_t>(to), static_cast<int64_t>(step), wanted);
        return at::arange(from, to, step, wanted);
    });
}
ct_status ct_linspace(double from, double to, ct_int count, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::linspace(from, to, count, options(dtype, device)); });
}
ct_status ct_eye(ct_int size, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::eye(size, options(dtype, device)); });
}

ct_status ct_from_host(const void* data, size_t bytes, const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] {
        auto tensor = at::empty(sizes(shape, rank), options(dtype, -1));
        TORCH_CHECK(tensor.nbytes() == bytes, "host memory holds ", bytes, " bytes, the shape needs ", tensor.nbytes());
        if (bytes) memcpy(tensor.mutable_data_ptr(), data, bytes);
        return device < 0 ? tensor : tensor.to(ct::device(device));
    });
}

ct_status ct_alias(void* data, const ct_int* shape, ct_int rank, ct_dtype dtype, void* context, void (*release)(void*), CT_OUT) {
    return produce(out, error, [&] { return at::from_blob(data, sizes(shape, rank), [=](void*) { release(context); }, options(dtype, -1)); });
}

ct_status ct_to_host(ct_tensor x, void* data, size_t bytes, ct_dtype dtype, char** error) {
    return guard(error, [&] {
        auto tensor = Borrowed(x)->to(at::kCPU, scalar_type(dtype)).contiguous().resolve_conj();
        TORCH_CHECK(tensor.nbytes() == bytes, "host memory holds ", bytes, " bytes, the tensor ", tensor.nbytes());
        if (bytes) memcpy(data, tensor.const_data_ptr(), bytes);
    });
}

ct_status ct_to_dtype(ct_tensor x, ct_dtype dtype, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->to(scalar_type(dtype)); });
}
ct_status ct_to_device(ct_tensor x, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->to(ct::device(device)); });
}
ct_status ct_contiguous(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->contiguous(); });
}
ct_status ct_clone(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->clone(); });
}
ct_status ct_detach(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return Borrowed(x)->detach(); });
}
ct_status ct_assign(ct_tensor x, ct_tensor source, char** error) {
    return guard(error, [&] { Borrowed(x)->copy_(Borrowed(source)); });
}
ct_status ct_fill(ct_tensor x, double value, char** error) {
    return guard(error, [&] {
        Borrowed tensor(x);
        tensor->fill_(number(tensor, value));
    });
}

ct_status ct_index_view(ct_tensor x, const ct_index* indices, ct_int count, CT_OUT) {
    return produce(out, error, [&] {
        namespace index = at::indexing;
        Borrowed tensor(x);
        std::vector<index::TensorIndex> list;
        list.reserve(count);
        for (ct_int i = 0; i < count; i++) {
            const auto& step = indices[i];
            switch (step.kind) {
                case CT_INDEX_ALL: list.emplace_back(index::Slice()); break;
                case CT_INDEX_AT: list.emplace_back(static_cast<int64_t>(step.from)); break;
                case CT_INDEX_SLICE: list.emplace_back(index::Slice(step.from, step.to, step.step)); break;
                case CT_INDEX_NEW_AXIS: list.emplace_back(index::None); break;
                case CT_INDEX_ELLIPSIS: list.emplace_back(index::Ellipsis); break;
            }
        }
        return at::indexing::get_item(tensor, list);
    });
}

ct_status ct_print(ct_tensor x, char** text, char** error) {
    return guard(error, [&] {
        std::ostringstream stream;
        at::print(stream, Borrowed(x), 100);
        *text = copy_text(stream.str());
    });
}
