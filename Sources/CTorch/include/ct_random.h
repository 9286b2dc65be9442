// Random numbers. On the CPU a generator with seed n gives the same numbers as Python's torch.manual_seed(n).
#ifndef CT_RANDOM_H
#define CT_RANDOM_H
#include "ct_types.h"
CT_BEGIN

ct_status ct_generator_make(uint64_t seed, ct_device device, ct_generator* out, char** error);
void ct_generator_release(ct_generator generator);
ct_status ct_generator_state(ct_generator generator, CT_OUT);  // [bytes] uint8
ct_status ct_generator_set_state(ct_generator generator, ct_tensor state, char** error);
// A CPU generator's Mersenne Twister, for kernels that draw from it: its 624 words, and how many of them have been used.
ct_status ct_generator_twister(ct_generator generator, uint32_t* words, int32_t* used, char** error);
ct_status ct_generator_set_twister(ct_generator generator, const uint32_t* words, int32_t used, char** error);

ct_status ct_randn(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_rand(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_randint(ct_int low, ct_int high, const ct_int* shape, ct_int rank, ct_generator generator, ct_device device, CT_OUT);
ct_status ct_randperm(ct_int count, ct_generator generator, ct_device device, CT_OUT);
// Drawn from the exponential distribution of rate 1.
ct_status ct_exponential(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_multinomial(ct_tensor probabilities, ct_int count, bool replacement, ct_generator generator, CT_OUT);

CT_END
#endif
