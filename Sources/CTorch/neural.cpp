#include "support.h"

#include <ATen/Functions.h>

using namespace ct;

ct_status ct_softmax(ct_tensor x, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::softmax(Borrowed(x), axis); });
}
ct_status ct_log_softmax(ct_tensor x, ct_int axis, CT_OUT) {
    return produce(out, error, [&] { return at::log_softmax(Borrowed(x), axis); });
}
ct_status ct_silu(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::silu(Borrowed(x)); });
}
ct_status ct_mish(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] {
        const Borrowed input(x);
        auto recorded = ct::recorded_mish(input);
        return recorded ? *recorded : at::mish(input);
    });
}
ct_status ct_softplus(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] { return at::softplus(Borrowed(x)); });
}
ct_status ct_gelu(ct_tensor x, bool approximate, CT_OUT) {
    return produce(out, error, [&] { return at::gelu(Borrowed(x), approximate ? "tanh" : "none"); });
}
ct_status ct_elu(ct_tensor x, double alpha, CT_OUT) {
    return produce(out, error, [&] { return at::elu(Borrowed(x), alpha); });
}
ct_status ct_leaky_relu(ct_tensor x, double slope, CT_OUT) {
    return produce(out, error, [&] { return at::leaky_relu(Borrowed(x), slope); });
}
ct_status ct_dropout_mask(const ct_int* shape, ct_int rank, double keep, ct_generator generator, ct_dtype dtype, CT_OUT) {
    return produce(out, error, [&] {
        auto mask = at::empty(sizes(shape, rank), options(dtype, -1));
        return mask.bernoulli_(keep, ct::generator(generator)).div_(keep);
    });
}

ct_status ct_linear(ct_tensor x, ct_tensor weight, ct_tensor bias, CT_OUT) {
    return produce(out, error, [&] {
        const Borrowed input(x), matrix(weight), offset(bias);
        const auto recorded = ct::recorded_linear(input, matrix, offset);
        return recorded ? *recorded : at::linear(input, matrix, offset.optional());
    });
}
ct_status ct_embedding(ct_tensor weight, ct_tensor indices, CT_OUT) {
    return produce(out, error, [&] { return at::embedding(Borrowed(weight), Borrowed(indices)); });
}
ct_status ct_layer_norm(ct_tensor x, const ct_int* shape, ct_int rank, ct_tensor weight, ct_tensor bias, double epsilon, CT_OUT) {
    return produce(
        out, error, [&] { return at::layer_norm(Borrowed(x), sizes(shape, rank), Borrowed(weight).optional(), Borrowed(bias).optional(), epsilon); });
}
ct_status ct_rms_norm(ct_tensor x, const ct_int* shape, ct_int rank, ct_tensor weight, double epsilon, CT_OUT) {
    return produce(out, error, [&] { return at::rms_norm(Borrowed(x), sizes(shape, rank), Borrowed(weight).optional(), epsilon); });
}
ct_status ct_batch_norm(
    ct_tensor x, ct_tensor mean, ct_tensor variance, ct_tensor weight, ct_tensor bias, bool training, double momentum, double epsilon, CT_OUT) {
    return produce(out, error, [&] {
        return at::batch_norm(Borrowed(x), Borrowed(weight).optional(), Borrowed(bias).optional(), Borrowed(mean).optional(),
            Borrowed(variance).optional(), training, momentum, epsilon, /*cudnn_enabled=*/true);
    });
}
ct_status ct_group_norm(ct_tensor x, ct_int groups, ct_tensor weight, ct_tensor bias, double epsilon, CT_OUT) {
    return produce(out, error, [&] { return at::group_norm(Borrowed(x), groups, Borrowed(weight).optional(), Borrowed(bias).optional(), epsilon); });
}
ct_status ct_instance_norm(ct_tensor x, double epsilon, CT_OUT) {
    return produce(
        out, error, [&] { return at::instance_norm(Borrowed(x), {}, {}, {}, {}, /*use_input_stats=*/true, 0.0, epsilon, /*cudnn_enabled=*/true); });
}

ct_status ct_conv1d(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_int stride, ct_int padding, ct_int dilation, ct_int groups, CT_OUT) {
    return produce(
        out, error, [&] { return at::conv1d(Borrowed(x), Borrowed(weight), Borrowed(bias).optional(), stride, padding, dilation, groups); });
}
ct_status ct_conv2d(
    ct_tensor x, ct_tensor weight, ct_tensor bias, const ct_int stride[2], const ct_int padding[2], const ct_int dilation[2], ct_int groups, CT_OUT) {
    return produce(out, error, [&] {
        return at::conv2d(Borrowed(x), Borrowed(weight), Borrowed(bias).optional(), sizes(stride, 2), sizes(padding, 2), sizes(dilation, 2), groups);
    });
}
ct_status ct_conv_transpose1d(
    ct_tensor x, ct_tensor weight, ct_tensor bias, ct_int stride, ct_int padding, ct_int output_padding, ct_int groups, ct_int dilation, CT_OUT) {
    return produce(out, error, [&] {
        return at::conv_transpose1d(Borrowed(x), Borrowed(weight), Borrowed(bias).optional(), stride, padding, output_padding, groups, dilation);
    });
}
ct_status ct_avg_pool1d(ct_tensor x, ct_int kernel, ct_int stride, ct_int padding, bool ceil_mode, bool count_padding, CT_OUT) {
    return produce(out, error, [&] { return at::avg_pool1d(Borrowed(x), kernel, stride, padding, ceil_mode, count_padding); });
}
ct_status ct_avg_pool2d(ct_tensor x, const ct_int kernel[2], const ct_int stride[2], CT_OUT) {
    return produce(out, error, [&] { return at::avg_pool2d(Borrowed(x), sizes(kernel, 2), sizes(stride, 2)); });
}
ct_status ct_max_pool1d(ct_tensor x, ct_int kernel, ct_int stride, ct_int padding, CT_OUT) {
    return produce(out, error, [&] { return at::max_pool1d(Borrowed(x), kernel, stride, padding); });
}
ct_status ct_interpolate_nearest(ct_tensor x, ct_int size, const double* scale, CT_OUT) {
    return produce(out, error, [&] { return at::upsample_nearest1d(Borrowed(x), size, optional<double>(scale)); });
}
ct_status ct_interpolate_linear(ct_tensor x, ct_int size, const double* scale, bool align_corners, CT_OUT) {
    return produce(out, error, [&] { return at::upsample_linear1d(Borrowed(x), size, align_corners, optional<double>(scale)); });
}

ct_status ct_weight_norm(ct_tensor direction, ct_tensor length, CT_OUT) {
    return produce(out, error, [&] { return at::_weight_norm(Borrowed(direction), Borrowed(length), 0); });
}

ct_status ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask, bool causal, const double* scale, CT_OUT) {
    return produce(out, error, [&] {
        return at::scaled_dot_product_attention(Borrowed(query), Borrowed(key), Borrowed(value), Borrowed(mask).optional(),
            /*dropout_p=*/0.0, causal, optional<double>(scale));
    });
}
ct_status ct_lstm(ct_tensor x, ct_tensor hidden, ct_tensor cell, const ct_tensor* weights, ct_int count, ct_int layers, bool bidirectional,
    bool batch_first, ct_tensor* output, ct_tensor* last_hidden, ct_tensor* last_cell, char** error) {
    return guard(error, [&] {
        auto [y, h, c] = at::lstm(Borrowed(x), {*Borrowed(hidden), *Borrowed(cell)}, list(weights, count), /*has_biases=*/true, layers,
            /*dropout=*/0.0, /*train=*/false, bidirectional, batch_first);
        *output = give(y);
        *last_hidden = give(h);
        *last_cell = give(c);
    });
}
ct_status ct_cross_entropy(ct_tensor logits, ct_tensor targets, ct_tensor weight, ct_int ignored, CT_OUT) {
    return produce(out, error,
        [&] { return at::cross_entropy_loss(Borrowed(logits), Borrowed(targets), Borrowed(weight).optional(), at::Reduction::Mean, ignored); });
}
ct_status ct_ctc_loss(
    ct_tensor log_probabilities, ct_tensor targets, const ct_int* lengths, const ct_int* target_lengths, ct_int count, ct_int blank, CT_OUT) {
    return produce(out, error, [&] {
        return at::ctc_loss(Borrowed(log_probabilities), Borrowed(targets), sizes(lengths, count), sizes(target_lengths, count), blank,
            at::Reduction::Mean, /*zero_infinity=*/true);
    });
}
