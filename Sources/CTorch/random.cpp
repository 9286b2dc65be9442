#include "support.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/detail/CUDAHooksInterface.h>

using namespace ct;

struct ct_generator_object {
    at::Generator generator;
};

namespace ct {
const at::Generator& generator(ct_generator handle) { return handle->generator; }
}

ct_status ct_generator_make(uint64_t seed, ct_device device, ct_generator* out, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        auto generator = place.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed)
                                        : at::detail::getCUDAHooks().getNewGenerator(place.index());
        generator.set_current_seed(seed);
        *out = new ct_generator_object{generator};
    });
}
void ct_generator_release(ct_generator generator) { delete generator; }
ct_status ct_generator_state(ct_generator generator, CT_OUT) {
    return produce(out, error, [&] { return generator->generator.get_state(); });
}
ct_status ct_generator_set_state(ct_generator generator, ct_tensor state, char** error) {
    return guard(error, [&] { generator->generator.set_state(Borrowed(state)); });
}

ct_status ct_randn(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::randn(sizes(shape, rank), ct::generator(generator), options(dtype, device)); });
}
ct_status ct_rand(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::rand(sizes(shape, rank), ct::generator(generator), options(dtype, device)); });
}
ct_status ct_randint(ct_int low, ct_int high, const ct_int* shape, ct_int rank, ct_generator generator, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::randint(low, high, sizes(shape, rank), ct::generator(generator), options(CT_INT64, device)); });
}
ct_status ct_randperm(ct_int count, ct_generator generator, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::randperm(count, ct::generator(generator), options(CT_INT64, device)); });
}
ct_status ct_multinomial(ct_tensor probabilities, ct_int count, bool replacement, ct_generator generator, CT_OUT) {
    return produce(out, error, [&] { return at::multinomial(Borrowed(probabilities), count, replacement, ct::generator(generator)); });
}
