#include "support.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

using namespace ct;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {
/// oneDNN's x Wᵀ (+ b) on dense tensors. libtorch has it for its compiler, without a C++ declaration; it is looked up by name.
using LinearSignature = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
    c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

std::optional<c10::TypedOperatorHandle<LinearSignature>> find_linear() {
    auto operation = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!operation || !operation->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
    return operation->typed<LinearSignature>();
}

const std::optional<c10::TypedOperatorHandle<LinearSignature>>& onednn_linear() {
    static const auto found = find_linear();
    return found;
}

/// Products with fewer rows, inputs or outputs are not faster with oneDNN.
constexpr int64_t fewest = 64;

bool is_plain(const at::Tensor& x) { return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.layout() == at::kStrided; }

/// Where MKL uses AVX-512 itself, oneDNN is not faster; without AVX-512 both use AVX2.
bool onednn_takes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    if (!is_plain(x) || !is_plain(weight) || (bias.defined() && !is_plain(bias))) return false;
    if (x.dim() < 1 || weight.dim() != 2 || x.size(-1) != weight.size(1)) return false;
    if (weight.size(0) < fewest || weight.size(1) < fewest || x.numel() / weight.size(1) < fewest) return false;
    if (!weight.is_contiguous() && !weight.t().is_contiguous()) return false;
    return at::globalContext().userEnabledMkldnn() && at::get_cpu_capability() == "AVX512" && onednn_linear().has_value();
}

/// x Wᵀ + b: `[rows, from]`, `[to, from]` → `[rows, to]`; the weight may be a transposed view.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias = std::nullopt) {
    return onednn_linear()->call(x.contiguous(), weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

using MaybeTensor = std::optional<at::Tensor>;

bool is_asked(const MaybeTensor& x) { return x && x->requires_grad(); }

/// x Wᵀ + b + s (x Aᵀ) Bᵀ, with `b`, `A` and `B` if they are given.
struct OneDNNLinear : torch::autograd::Function<OneDNNLinear> {
    /// The arguments, in order.
    enum { X, WEIGHT, BIAS, A, B, COUNT };

    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const MaybeTensor& bias, const MaybeTensor& a,
        const MaybeTensor& b, double scale) {
        const auto rows = x.reshape({-1, x.size(-1)});
        auto y = product(rows, weight, bias);
        at::Tensor narrow;
        if (a) {
            narrow = product(rows, *a);
            y.add_(product(narrow, *b), scale);
        }
        const c10::List<bool> asked({x.requires_grad(), weight.requires_grad(), is_asked(bias), is_asked(a), is_asked(b)});
        context->save_for_backward({asked[WEIGHT] || asked[A] ? x : at::Tensor(), weight, a.value_or(at::Tensor()), b.value_or(at::Tensor()),
            asked[B] ? narrow : at::Tensor()});
        context->saved_data["asked"] = asked;
        context->saved_data["scale"] = scale;
        auto shape = x.sizes().vec();
        context->saved_data["shape"] = shape;
        shape.back() = weight.size(0);
        return y.view(shape);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        TORCH_CHECK(!c10::GradMode::is_enabled(), "a linear map by oneDNN has no second derivative");
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1], &a = saved[2], &b = saved[3], &narrow = saved[4];
        const auto asked = context->saved_data["asked"].toBoolList();
        const double scale = context->saved_data["scale"].toDouble();
        variable_list found(COUNT + 1);
        if (!gradients[0].defined()) return found;
        const auto dy = gradients[0].reshape({-1, weight.size(0)}).contiguous();
        const auto rows = x.defined() ? x.reshape({-1, x.size(-1)}) : at::Tensor();
        at::Tensor dnarrow;
        if (a.defined() && (asked[X] || asked[A])) dnarrow = product(dy, b.t()).mul_(scale);
        if (asked[X]) {
            auto dx = product(dy, weight.t());
            if (a.defined()) dx.add_(product(dnarrow, a.t()));
            found[X] = dx.view(context->saved_data["shape"].toIntVector());
        }
        if (asked[WEIGHT]) found[WEIGHT] = product(dy.t(), rows.t());
        if (asked[BIAS]) found[BIAS] = dy.sum(0);
        if (asked[A]) found[A] = product(dnarrow.t(), rows.t());
        if (asked[B]) found[B] = product(narrow.t(), dy.t()).t().mul(scale);
        return found;
    }
};

#if defined(__x86_64__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/// e^x for −87 ≤ x ≤ 20, relative error about 1e-7: 2^k e^r with |r| ≤ ln 2 / 2, and e^r as a polynomial (Cephes' expf). Compilers turn loops
/// over it into vector instructions.
inline __attribute__((always_inline)) float bounded_exp(float x) {
    constexpr float whole = 12582912;  // 1.5 · 2²³: a sum with it has no fraction
    const float k = (x * 1.44269504f + whole) - whole;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    const float p =
        ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    const int32_t power = (static_cast<int32_t>(k) + 127) << 23;
    float scale;
    std::memcpy(&scale, &power, sizeof scale);
    return (p * r * r + r + 1) * scale;
}

inline __attribute__((always_inline)) float bounded(float x) { return x < -87 ? -87 : x < 20 ? x : 20; }

/// x tanh(ln(1 + eˣ)). The tangent is n / (n + 2) with n = eˣ (eˣ + 2).
FOR_EACH_PROCESSOR void mish_values(const float* x, float* y, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float e = bounded_exp(bounded(x[i])), n = e * (e + 2);
        y[i] = x[i] * (n / (n + 2));
    }
}

/// The gradient by x from that by the result.
FOR_EACH_PROCESSOR void mish_gradients(const float* x, const float* dy, float* dx, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float e = bounded_exp(bounded(x[i])), n = e * (e + 2), m = n + 2;
        dx[i] = dy[i] * (n / m + x[i] * (4 * e * (e + 1) / (m * m)));
    }
}

/// Mish with its derivative, where libtorch's own takes the logarithm and the tangent of single numbers.
struct Mish : torch::autograd::Function<Mish> {
    static constexpr int64_t grain = 1 << 15;

    static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
        context->save_for_backward({x});
        const auto values = x.contiguous();
        auto y = at::empty_like(values);
        at::parallel_for(
            0, values.numel(), grain, [from = values.const_data_ptr<float>(), to = y.mutable_data_ptr<float>()](int64_t begin, int64_t end) {
                mish_values(from + begin, to + begin, end - begin);
            });
        return y;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        TORCH_CHECK(!c10::GradMode::is_enabled(), "this mish has no second derivative");
        if (!gradients[0].defined()) return {at::Tensor()};
        const auto x = context->get_saved_variables()[0].contiguous(), dy = gradients[0].contiguous();
        auto dx = at::empty_like(x);
        const auto from = x.const_data_ptr<float>(), above = dy.const_data_ptr<float>();
        at::parallel_for(0, x.numel(), grain, [=, to = dx.mutable_data_ptr<float>()](int64_t begin, int64_t end) {
            mish_gradients(from + begin, above + begin, to + begin, end - begin);
        });
        return {dx};
    }
};
}  // namespace

std::optional<at::Tensor> ct::recorded_mish(const at::Tensor& x) {
    if (!x.requires_grad() || !c10::GradMode::is_enabled() || !is_plain(x)) return std::nullopt;
    return Mish::apply(x);
}

std::optional<at::Tensor> ct::recorded_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    const bool is_asked = x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad());
    if (!is_asked || !c10::GradMode::is_enabled() || !onednn_takes(x, weight, bias)) return std::nullopt;
    return OneDNNLinear::apply(x, weight, bias.defined() ? MaybeTensor(bias) : std::nullopt, MaybeTensor(), MaybeTensor(), 1.0);
}

bool ct_onednn_takes_linear(ct_tensor x, ct_tensor weight, ct_tensor bias) {
    try {
        return onednn_takes(Borrowed(x), Borrowed(weight), Borrowed(bias));
    } catch (...) {
        return false;
    }
}

ct_status ct_onednn_linear(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_tensor a, ct_tensor b, double scale, CT_OUT) {
    return produce(out, error, [&] {
        const Borrowed input(x), matrix(weight), offset(bias), first(a), second(b);
        TORCH_CHECK(onednn_takes(input, matrix, offset), "oneDNN does not take this linear map; ask ct_onednn_takes_linear before");
        TORCH_CHECK(first->defined() == second->defined(), "low rank takes two matrices");
        return OneDNNLinear::apply(*input, *matrix, offset.optional(), first.optional(), second.optional(), scale);
    });
}
