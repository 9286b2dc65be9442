#include "support.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

using namespace ct;

ct_status ct_adamw(const ct_tensor* parameters, const ct_tensor* gradients, const ct_tensor* first, const ct_tensor* second, ct_int count,
    ct_int step, double rate, double beta1, double beta2, double decay, double epsilon, char** error) {
    return guard(error, [&] {
        if (count == 0) return;
        at::NoGradGuard plain;
        auto updated = list(parameters, count);
        auto means = list(first, count);
        auto squares = list(second, count);
        // libtorch requires a counter for each parameter but only reads them, so that one counter serves all.
        std::vector<at::Tensor> steps(count, at::full({}, static_cast<double>(step), updated[0].options().dtype(at::kFloat)));
        at::_fused_adamw_(updated, list(gradients, count), means, squares, {}, steps, rate, beta1, beta2, decay, epsilon,
            /*amsgrad=*/false, /*maximize=*/false);
    });
}

ct_status ct_norm_all(const ct_tensor* tensors, ct_int count, double* norm, char** error) {
    return guard(error, [&] {
        at::NoGradGuard plain;
        *norm = count == 0 ? 0 : at::linalg_vector_norm(at::stack(at::_foreach_norm(list(tensors, count), 2))).item<double>();
    });
}

ct_status ct_scale_all_in_place(const ct_tensor* x, ct_int count, double factor, char** error) {
    return guard(error, [&] {
        if (count == 0) return;
        at::NoGradGuard plain;
        auto scaled = list(x, count);
        at::_foreach_mul_(scaled, factor);
    });
}

ct_status ct_lerp_all_in_place(const ct_tensor* x, const ct_tensor* other, ct_int count, double weight, char** error) {
    return guard(error, [&] {
        if (count == 0) return;
        at::NoGradGuard plain;
        auto moved = list(x, count);
        at::_foreach_lerp_(moved, list(other, count), weight);
    });
}
