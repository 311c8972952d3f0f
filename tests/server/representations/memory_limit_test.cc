#include "server/representations/memory_limit.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::representations;
using selvage::testing::TemporaryFolder;

namespace {

struct Machine : TemporaryFolder {
    void write(const std::string& name, std::string_view content) const {
        std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
        TemporaryFolder::write(name, content);
    }
};

}  // namespace

SCENARIO("how much memory there is") {
    const Machine root;
    CHECK(memory_limit(root.path()) == 1ULL << 30);  // nothing is known
    root.write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree:  100 kB\n");
    CHECK(memory_limit(root.path()) == 8'192'000'000);
    WHEN("the group has a limit, or one above it (version 2)") {
        root.write("proc/self/cgroup", "0::/system.slice/selvage.service\n");
        root.write("sys/fs/cgroup/system.slice/selvage.service/memory.max", "2000000000\n");
        CHECK(memory_limit(root.path()) == 2'000'000'000);
        root.write("sys/fs/cgroup/system.slice/memory.max", "1000000000\n");
        CHECK(memory_limit(root.path()) == 1'000'000'000);
        root.write("sys/fs/cgroup/system.slice/memory.max", "max\n");
        CHECK(memory_limit(root.path()) == 2'000'000'000);
    }
    WHEN("it is that of a container, which sees its own group as the root") {
        root.write("proc/self/cgroup", "0::/\n");
        root.write("sys/fs/cgroup/memory.max", "500000000\n");
        CHECK(memory_limit(root.path()) == 500'000'000);
    }
    WHEN("the groups are of version 1") {
        root.write("proc/self/cgroup", "5:cpu:/a\n4:memory:/a/b\n0::/\n");
        root.write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
        CHECK(memory_limit(root.path()) == 8'192'000'000);
        root.write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "300000000\n");
        CHECK(memory_limit(root.path()) == 300'000'000);
    }
}
