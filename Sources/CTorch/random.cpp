#include "support.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <algorithm>

using namespace ct;

struct ct_generator_object {
    at::Generator generator;
};

namespace ct {
const at::Generator& generator(ct_generator handle) { return handle->generator; }
}

static at::CPUGeneratorImpl& on_cpu(ct_generator handle) {
    TORCH_CHECK(handle->generator.device().is_cpu(), "a generator on ", handle->generator.device(), " has no Mersenne Twister");
    return *handle->generator.get<at::CPUGeneratorImpl>();
}

ct_status ct_generator_make(uint64_t seed, ct_device device, ct_generator* out, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        auto generator = place.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed) : at::detail::getCUDAHooks().getNewGenerator(place.index());
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
// libtorch stores the number of words left, and the index of the next word: 1 and 0 before the first draw, which generates new words.
ct_status ct_generator_twister(ct_generator generator, uint32_t* words, int32_t* used, char** error) {
    return guard(error, [&] {
        const auto state = on_cpu(generator).engine().data();
        std::copy(state.state_.begin(), state.state_.end(), words);
        *used = static_cast<int32_t>(state.state_.size()) + 1 - state.left_;
    });
}
ct_status ct_generator_set_twister(ct_generator generator, const uint32_t* words, int32_t used, char** error) {
    return guard(error, [&] {
        auto engine = on_cpu(generator).engine();
        auto state = engine.data();
        std::copy_n(words, state.state_.size(), state.state_.begin());
        state.left_ = static_cast<int>(state.state_.size()) + 1 - used;
        state.next_ = static_cast<uint32_t>(used);
        engine.set_data(state);
        on_cpu(generator).set_engine(engine);
    });
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
ct_status ct_exponential(const ct_int* shape, ct_int rank, ct_generator generator, ct_dtype dtype, ct_device device, CT_OUT) {
    return produce(out, error, [&] { return at::empty(sizes(shape, rank), options(dtype, device)).exponential_(1, ct::generator(generator)); });
}
ct_status ct_multinomial(ct_tensor probabilities, ct_int count, bool replacement, ct_generator generator, CT_OUT) {
    return produce(out, error, [&] { return at::multinomial(Borrowed(probabilities), count, replacement, ct::generator(generator)); });
}
