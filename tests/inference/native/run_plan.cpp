// Runs one step of a plan that emulated_library.py wrote into a file, on a machine where the library has to choose ISA.
// usage: run_plan ISA FILE RESULT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plan.h"

struct Plan;
extern "C" Plan* midspan_make_plan(const midspan::Shape* shape, const midspan::Op* ops, int32_t count, int32_t threads);
extern "C" void midspan_free_plan(Plan* plan);
extern "C" int32_t midspan_step(Plan* plan, const midspan::Batch* batch, int32_t first, int32_t most, const int32_t* stop);
extern "C" const char* midspan_isa();

namespace {

struct Header {
    int64_t size, pointers;
    int64_t shape_at, ops_at, batch_at, op_count, threads;
    int64_t pages_at, pages_bytes, logits_at, logits_bytes;
};

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "run_plan: %s\n", what);
    std::exit(1);
}

}  // namespace

int main(int count, char** words) {
    require(count == 4, "three words are needed");
    std::FILE* file = std::fopen(words[2], "rb");
    Header header;
    require(file && std::fread(&header, sizeof header, 1, file) == 1, "the file cannot be read");
    auto* pointers = static_cast<int64_t*>(std::malloc(static_cast<size_t>(header.pointers) * 16));
    require(std::fread(pointers, 16, static_cast<size_t>(header.pointers), file) == static_cast<size_t>(header.pointers),
            "the pointers cannot be read");
    auto* content = static_cast<uint8_t*>(std::aligned_alloc(64, static_cast<size_t>(header.size) + 4096 - header.size % 64));
    require(content && std::fread(content, 1, static_cast<size_t>(header.size), file) == static_cast<size_t>(header.size),
            "the content cannot be read");
    std::fclose(file);
    for (int64_t i = 0; i < header.pointers; ++i) {
        uint8_t* target = content + pointers[2 * i + 1];
        std::memcpy(content + pointers[2 * i], &target, sizeof target);
    }

    require(std::strcmp(midspan_isa(), words[1]) == 0, midspan_isa());
    Plan* plan = midspan_make_plan(reinterpret_cast<const midspan::Shape*>(content + header.shape_at),
                                   reinterpret_cast<const midspan::Op*>(content + header.ops_at),
                                   static_cast<int32_t>(header.op_count), static_cast<int32_t>(header.threads));
    require(plan, "no plan");
    const auto* batch = reinterpret_cast<const midspan::Batch*>(content + header.batch_at);
    require(midspan_step(plan, batch, 0, 0, nullptr) == header.op_count, "no memory");
    midspan_free_plan(plan);

    std::FILE* result = std::fopen(words[3], "wb");
    require(result && std::fwrite(content + header.pages_at, 1, static_cast<size_t>(header.pages_bytes), result) ==
                          static_cast<size_t>(header.pages_bytes),
            "the pages cannot be written");
    require(std::fwrite(content + header.logits_at, 1, static_cast<size_t>(header.logits_bytes), result) ==
                static_cast<size_t>(header.logits_bytes),
            "the logits and the likeliest tokens cannot be written");
    require(std::fclose(result) == 0, "the result cannot be written");
    std::free(content);
    std::free(pointers);
    return 0;
}
