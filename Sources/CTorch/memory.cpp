#include "support.h"

#include <ATen/DeviceAccelerator.h>

#include <malloc.h>

using namespace ct;

ct_status ct_device_memory(ct_device device, ct_memory_statistics* out, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        TORCH_CHECK(place.is_cuda(), "the CPU's memory is the process's own; ask the operating system");
        auto statistics = at::accelerator::getDeviceStats(place.index());
        const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        *out = {static_cast<ct_int>(statistics.allocated_bytes[all].current), static_cast<ct_int>(statistics.allocated_bytes[all].peak),
                static_cast<ct_int>(statistics.reserved_bytes[all].current), static_cast<ct_int>(statistics.reserved_bytes[all].peak)};
    });
}
ct_status ct_device_reset_peak(ct_device device, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        if (place.is_cuda()) at::accelerator::resetPeakStats(place.index());
    });
}
ct_status ct_release_cache(ct_device device, char** error) {
    return guard(error, [&] {
        if (ct::device(device).is_cuda()) at::accelerator::emptyCache();
        else malloc_trim(0);
    });
}
ct_status ct_synchronize(ct_device device, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        if (place.is_cuda()) at::accelerator::synchronizeDevice(place.index());
    });
}
