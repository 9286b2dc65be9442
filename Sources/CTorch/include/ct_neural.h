// The parts of networks: activations, normalisation, convolution, attention, recurrence.
#ifndef CT_NEURAL_H
#define CT_NEURAL_H
#include "ct_types.h"
CT_BEGIN

ct_status ct_softmax(ct_tensor x, ct_int axis, CT_OUT);
ct_status ct_log_softmax(ct_tensor x, ct_int axis, CT_OUT);
ct_status ct_silu(ct_tensor x, CT_OUT);
ct_status ct_mish(ct_tensor x, CT_OUT);
ct_status ct_softplus(ct_tensor x, CT_OUT);
ct_status ct_gelu(ct_tensor x, bool approximate, CT_OUT);
ct_status ct_elu(ct_tensor x, double alpha, CT_OUT);
ct_status ct_leaky_relu(ct_tensor x, double slope, CT_OUT);
ct_status ct_dropout_mask(const ct_int* shape, ct_int rank, double keep, ct_generator generator, ct_dtype dtype, CT_OUT);

ct_status ct_linear(ct_tensor x, ct_tensor weight, ct_tensor bias /* or null */, CT_OUT);
ct_status ct_embedding(ct_tensor weight, ct_tensor indices, CT_OUT);
ct_status ct_layer_norm(ct_tensor x, const ct_int* shape, ct_int rank, ct_tensor weight, ct_tensor bias, double epsilon, CT_OUT);
ct_status ct_rms_norm(ct_tensor x, const ct_int* shape, ct_int rank, ct_tensor weight, double epsilon, CT_OUT);
ct_status ct_batch_norm(
    ct_tensor x, ct_tensor mean, ct_tensor variance, ct_tensor weight, ct_tensor bias, bool training, double momentum, double epsilon, CT_OUT);
ct_status ct_group_norm(ct_tensor x, ct_int groups, ct_tensor weight, ct_tensor bias, double epsilon, CT_OUT);
ct_status ct_instance_norm(ct_tensor x, double epsilon, CT_OUT);

ct_status ct_conv1d(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_int stride, ct_int padding, ct_int dilation, ct_int groups, CT_OUT);
ct_status ct_conv2d(
    ct_tensor x, ct_tensor weight, ct_tensor bias, const ct_int stride[2], const ct_int padding[2], const ct_int dilation[2], ct_int groups, CT_OUT);
ct_status ct_conv_transpose1d(
    ct_tensor x, ct_tensor weight, ct_tensor bias, ct_int stride, ct_int padding, ct_int output_padding, ct_int groups, ct_int dilation, CT_OUT);
ct_status ct_avg_pool1d(ct_tensor x, ct_int kernel, ct_int stride, ct_int padding, bool ceil_mode, bool count_padding, CT_OUT);
ct_status ct_avg_pool2d(ct_tensor x, const ct_int kernel[2], const ct_int stride[2], CT_OUT);
ct_status ct_max_pool1d(ct_tensor x, ct_int kernel, ct_int stride, ct_int padding, CT_OUT);
ct_status ct_interpolate_nearest(ct_tensor x, ct_int size, const double* scale, CT_OUT);
ct_status ct_interpolate_linear(ct_tensor x, ct_int size, const double* scale, bool align_corners, CT_OUT);

/// length × direction ÷ ‖direction‖, with the norm over all axes except the first (Salimans and Kingma 2016).
ct_status ct_weight_norm(ct_tensor direction, ct_tensor length, CT_OUT);

/// softmax(q kᵀ × scale + mask) v on [batch, heads, time, size]; `scale` null: 1/√size.
ct_status ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask /* or null */, bool causal, const double* scale, CT_OUT);
/// `weights`: for each layer (and direction) input, hidden, input bias, hidden bias.
ct_status ct_lstm(ct_tensor x, ct_tensor hidden, ct_tensor cell, const ct_tensor* weights, ct_int count, ct_int layers, bool bidirectional,
    bool batch_first, ct_tensor* output, ct_tensor* last_hidden, ct_tensor* last_cell, char** error);
ct_status ct_cross_entropy(ct_tensor logits, ct_tensor targets, ct_tensor weight /* or null */, ct_int ignored, CT_OUT);
/// −log P(targets | x) summed over alignments (Graves et al. 2006), each divided by its target's length, mean over the batch. `log_probabilities`
/// [time, batch, classes]; `targets` [batch, longest]; 0 if no alignment exists.
ct_status ct_ctc_loss(
    ct_tensor log_probabilities, ct_tensor targets, const ct_int* lengths, const ct_int* target_lengths, ct_int count, ct_int blank, CT_OUT);

CT_END
#endif
