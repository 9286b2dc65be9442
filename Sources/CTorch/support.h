// Conversions between C handles and libtorch's types, for the C++ files of this folder only.
#pragma once

#include "CTorch.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace ct {

/// A caller's tensor during one call, without changing its reference count.
class Borrowed {
public:
    explicit Borrowed(ct_tensor handle) {
        if (handle) {
            tensor_ = at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl*>(handle)));
        }
    }
    ~Borrowed() {
        if (tensor_.defined()) tensor_.unsafeReleaseTensorImpl();
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;

    operator const at::Tensor&() const { return tensor_; }
    const at::Tensor& operator*() const { return tensor_; }
    const at::Tensor* operator->() const { return &tensor_; }
    /// The tensor if there is one: for optional arguments. Counts a reference.
    std::optional<at::Tensor> optional() const { return tensor_.defined() ? std::optional<at::Tensor>(tensor_) : std::nullopt; }

private:
    at::Tensor tensor_;
};

/// Returns a result to the caller, who owns it from then on.
inline ct_tensor give(at::Tensor tensor) { return reinterpret_cast<ct_tensor>(tensor.unsafeReleaseTensorImpl()); }

/// References to a caller's list of tensors.
inline std::vector<at::Tensor> list(const ct_tensor* handles, ct_int count) {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (ct_int i = 0; i < count; i++) tensors.push_back(*Borrowed(handles[i]));
    return tensors;
}

inline at::IntArrayRef sizes(const ct_int* values, ct_int count) {
    static_assert(sizeof(ct_int) == sizeof(int64_t));
    return at::IntArrayRef(reinterpret_cast<const int64_t*>(values), static_cast<size_t>(count));
}

inline at::OptionalIntArrayRef axes(const ct_int* values, ct_int count) {
    return values ? at::OptionalIntArrayRef(sizes(values, count)) : at::OptionalIntArrayRef(std::nullopt);
}

template <class T, class Given>
std::optional<T> optional(const Given* value) {
    return value ? std::optional<T>(*value) : std::nullopt;
}

at::ScalarType scalar_type(ct_dtype dtype);
ct_dtype dtype_code(at::ScalarType type);
/// The CPU or a CUDA GPU; loads libtorch's CUDA library when a GPU is first named.
at::Device device(ct_device device);
at::TensorOptions options(ct_dtype dtype, ct_device device);
const at::Generator& generator(ct_generator handle);

/// A number for arithmetic with `x`: whole numbers do not turn integer tensors into floating-point ones.
inline at::Scalar number(const at::Tensor& x, double value) {
    if (at::isIntegralType(x.scalar_type(), /*includeBool=*/true) && value == std::floor(value) && std::abs(value) < 9e15)
        return at::Scalar(static_cast<int64_t>(value));
    return at::Scalar(value);
}

/// x Wᵀ + b by oneDNN if it supports these operands, is faster, and the product is recorded for differentiation; otherwise nothing.
std::optional<at::Tensor> recorded_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
/// Mish of float32 on the CPU with a faster derivative than libtorch's, if it is recorded for differentiation; otherwise nothing.
std::optional<at::Tensor> recorded_mish(const at::Tensor& x);

char* copy_text(const std::string& text);
/// Translates the current exception.
ct_status report(char** error) noexcept;

/// Runs `body`; no C++ exception leaves it.
template <class Body>
ct_status guard(char** error, Body&& body) noexcept {
    try {
        body();
        return CT_OK;
    } catch (...) {
        return report(error);
    }
}

/// Runs `body` and returns its tensor to the caller.
template <class Body>
ct_status produce(ct_tensor* out, char** error, Body&& body) noexcept {
    return guard(error, [&] { *out = give(body()); });
}

}  // namespace ct
