#include "support.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <malloc.h>

#include <cstdlib>

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
        if (ct::device(device).is_cuda()) {
            at::accelerator::emptyCache();
            // Page-locked host memory that is no longer used.
            at::getHostAllocator(at::kCUDA)->empty_cache();
        } else {
            malloc_trim(0);
        }
    });
}
namespace {
/// Allocates blocks of the C library's heap in few sizes, so that blocks freed by one step fit the next one's tensors. libtorch's own allocator
/// requests aligned blocks, from which the C library splits off a few bytes at either end: these remain, and a block of the same size no longer fits
/// in the same place.
struct PaddedAllocator final : c10::Allocator {
    static constexpr size_t alignment = 64;

    c10::DataPtr allocate(size_t bytes) override {
        if (bytes == 0) return {nullptr, c10::Device(c10::kCPU)};
        // At most a sixteenth more than requested.
        size_t unit = alignment;
        while (unit * 32 <= bytes) unit *= 2;
        void* block = bytes > SIZE_MAX / 2 ? nullptr : std::malloc((bytes + unit - 1) / unit * unit + alignment);
        TORCH_CHECK_WITH(OutOfMemoryError, block, "not enough memory for a tensor of ", bytes, " bytes");
        // The C library aligns blocks to 16 bytes, so that there is room before the tensor for the block's address.
        auto* data = reinterpret_cast<void**>((reinterpret_cast<uintptr_t>(block) / alignment + 1) * alignment);
        data[-1] = block;
        return {data, data, &release, c10::Device(c10::kCPU)};
    }
    static void release(void* data) {
        if (data) std::free(static_cast<void**>(data)[-1]);
    }
    c10::DeleterFnPtr raw_deleter() const override { return &release; }
    void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};
}  // namespace

void ct_keep_freed_memory(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 256 << 20);
    static PaddedAllocator allocator;
    c10::SetCPUAllocator(&allocator, /*priority=*/1);
}
void ct_limit_arenas(ct_int count) { mallopt(M_ARENA_MAX, static_cast<int>(count)); }

namespace {
/// The bytes of a tensor's storage as a tensor.
at::Tensor bytes_of(const at::Tensor& x) {
    auto& storage = x.storage();
    return at::from_blob(
        storage.mutable_data(), {static_cast<int64_t>(storage.nbytes())}, [](void*) {}, at::TensorOptions(at::kByte).device(x.device()), x.device());
}
/// Bytes on the host, page-locked if they come from a GPU, so that they can be copied back at the bus's full speed.
at::Tensor on_host(const at::Tensor& bytes) {
    if (bytes.is_cuda()) {
        try {
            auto copy = at::empty(bytes.sizes(), at::TensorOptions(at::kByte).pinned_memory(true));
            return copy.copy_(bytes);
        } catch (const c10::Error&) {
            // If the system cannot lock more pages, ordinary memory is used.
        }
    }
    return bytes.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
}
void drop(const at::Tensor& x) {
    auto* storage = x.storage().unsafeGetStorageImpl();
    TORCH_CHECK(storage->allocator(), "memory that was not allocated for a tensor, for example a mapped file, cannot be freed");
    // Kernels may still be reading it.
    if (x.is_cuda()) at::accelerator::synchronizeDevice(x.device().index());
    storage->set_data_ptr_noswap(at::DataPtr(nullptr, x.device()));
}
}  // namespace

ct_status ct_storage_leave(ct_tensor x, CT_OUT) {
    return produce(out, error, [&] {
        Borrowed tensor(x);
        auto copy = on_host(bytes_of(*tensor));
        drop(*tensor);
        return copy;
    });
}
ct_status ct_storage_drop(ct_tensor x, char** error) {
    return guard(error, [&] {
        Borrowed tensor(x);
        drop(*tensor);
    });
}
ct_status ct_storage_return(ct_tensor x, ct_tensor bytes, char** error) {
    return guard(error, [&] {
        Borrowed tensor(x), kept(bytes);
        auto* storage = tensor->storage().unsafeGetStorageImpl();
        TORCH_CHECK(storage->nbytes() == kept->nbytes(), "other bytes than those that left");
        storage->set_data_ptr_noswap(storage->allocator()->allocate(storage->nbytes()));
        bytes_of(*tensor).copy_(*kept);
    });
}
const void* ct_storage_identity(ct_tensor x) { return Borrowed(x)->storage().unsafeGetStorageImpl(); }
ct_int ct_storage_use_count(ct_tensor x) { return static_cast<ct_int>(Borrowed(x)->storage().use_count()); }
ct_status ct_synchronize(ct_device device, char** error) {
    return guard(error, [&] {
        auto place = ct::device(device);
        if (place.is_cuda()) at::accelerator::synchronizeDevice(place.index());
    });
}
