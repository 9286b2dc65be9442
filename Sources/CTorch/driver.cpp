#include "ct_driver.h"

#include <dlfcn.h>

#include <new>

// The driver's interface is stable and needs no header: a device is a number, 0 is success.
struct ct_driver_object {
    int (*version)(int*);
    int (*count)(int*);
    int (*device)(int*, int);
    int (*name)(char*, int, int);
    int (*memory)(size_t*, int);
    int (*attribute)(int*, int, int);
};

namespace {
enum { compute_capability_major = 75, compute_capability_minor = 76 };

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}
}  // namespace

ct_driver ct_driver_open(const char* name) {
    void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return nullptr;
    ct_driver_object driver{};
    int (*start)(unsigned) = nullptr;
    int count = 0;
    const bool usable = find(library, "cuInit", start) && find(library, "cuDriverGetVersion", driver.version) &&
        find(library, "cuDeviceGetCount", driver.count) && find(library, "cuDeviceGet", driver.device) &&
        find(library, "cuDeviceGetName", driver.name) && find(library, "cuDeviceTotalMem_v2", driver.memory) &&
        find(library, "cuDeviceGetAttribute", driver.attribute) && start(0) == 0 && driver.count(&count) == 0 && count > 0;
    if (!usable) {
        dlclose(library);
        return nullptr;
    }
    return new (std::nothrow) ct_driver_object(driver);
}

ct_int ct_driver_cuda_version(ct_driver driver) {
    int version = 0;
    return driver && driver->version(&version) == 0 ? version : 0;
}
ct_int ct_driver_count(ct_driver driver) {
    int count = 0;
    return driver && driver->count(&count) == 0 ? count : 0;
}
bool ct_driver_describe(ct_driver driver, ct_int index, ct_gpu* out) {
    int device = 0, major = 0, minor = 0;
    size_t bytes = 0;
    *out = {};
    if (!driver || driver->device(&device, static_cast<int>(index)) != 0) return false;
    if (driver->name(out->name, sizeof out->name, device) != 0 || driver->memory(&bytes, device) != 0) return false;
    if (driver->attribute(&major, compute_capability_major, device) != 0) return false;
    if (driver->attribute(&minor, compute_capability_minor, device) != 0) return false;
    out->memory_bytes = static_cast<ct_int>(bytes);
    out->major = major;
    out->minor = minor;
    return true;
}
