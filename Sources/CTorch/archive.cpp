#include "support.h"

#include <torch/csrc/jit/serialization/pickle.h>

using namespace ct;

namespace {

struct Walk {
    ct_archive_visitor visitor;
    void* context;

    void leaf(const std::string& path, const std::string& text) const { visitor(context, path.c_str(), nullptr, text.c_str()); }

    void visit(const std::string& path, const c10::IValue& value) const {
        auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
        if (value.isTensor()) {
            auto tensor = value.toTensor();
            // The pickle may hold a parameter or a view; what leaves here is plain contiguous memory.
            visitor(context, path.c_str(), give(tensor.detach().contiguous()), nullptr);
        } else if (value.isGenericDict()) {
            for (const auto& entry : value.toGenericDict())
                visit(below(entry.key().isString() ? entry.key().toStringRef() : c10::str(entry.key())), entry.value());
        } else if (value.isList()) {
            size_t position = 0;
            for (const c10::IValue& element : value.toListRef()) visit(below(std::to_string(position++)), element);
        } else if (value.isTuple()) {
            size_t position = 0;
            for (const auto& element : value.toTupleRef().elements()) visit(below(std::to_string(position++)), element);
        } else if (value.isString()) {
            leaf(path, value.toStringRef());
        } else {
            leaf(path, c10::str(value));
        }
    }
};

}  // namespace

ct_status ct_archive_read(const void* bytes, size_t count, ct_archive_visitor visitor, void* context, char** error) {
    return guard(error, [&] {
        const char* start = static_cast<const char*>(bytes);
        auto value = torch::jit::pickle_load(std::vector<char>(start, start + count));
        Walk{visitor, context}.visit("", value);
    });
}
