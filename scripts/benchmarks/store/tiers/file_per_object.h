#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include "base/file_descriptor.h"
#include "contender.h"

namespace selvage::bench {

// The layout of nginx's proxy_cache: a file per object, "levels=1:2 use_temp_path=off", one list in order of use.
//
// Source: nginx 1.22.1, src/http/ngx_http_file_cache.c and ngx_http_upstream.c, and the system calls that strace shows of it:
//   put      ngx_create_temp_file: openat(NAME.NUMBER, O_RDWR|O_CREAT|O_EXCL), ENOENT: mkdir, mkdir, openat; pwritev of a header
//   of
//            336 bytes, "\nKEY: …\n", the response's head, and the body; ngx_http_file_cache_update: chmod, rename, fstat; close
//   hit      ngx_http_file_cache_open: the list's node first, then openat, fstat, pread of what comes before the body;
//            ngx_output_chain: pread of the body (with TLS, or sendfile off); close
//   evict    ngx_http_file_cache_forced_expire: the last of the list, unlink
//   restart  ngx_http_file_cache_loader: the tree is walked; stat of each file, whose name is its key; headers are not read
//
// Where it differs, it does less than nginx: the body is written in one piece (nginx: pieces of 8 to 16 KB as they come),
// eviction is the put's own (nginx: another process, which looks every ten seconds at the latest, so that the limit is passed
// meanwhile), a hash table instead of a tree in shared memory, no locks, no pause of 50 ms after each 100 files of a restart
// (loader_sleep).
class FilePerObject final : public Contender {
public:
    FilePerObject(std::string folder, std::uint64_t limit);

    void put(const Key128& key, const cache_store::ObjectPtr& object) override;
    void settle() override {}  // its puts wait for the disk themselves
    Read read(const Key128& key) override;
    std::uint64_t evicted() const override { return evicted_; }
    void shrink(std::uint64_t bytes) override;

    void walk();  // what is in the folder, into the list
    std::size_t objects() const { return index_.size(); }

private:
    struct Node {
        Key128 key;
        std::uint64_t blocks;
        std::uint16_t body_start;  // 0: found on restart, not read yet
    };
    using Order = std::list<Node>;  // used last first

    std::string path_of(const Key128& key) const;
    FileDescriptor create(const std::string& final_path, std::string& temporary);
    void remember(const Key128& key, std::uint16_t body_start, std::uint64_t bytes);
    void evict();
    void walk(const std::string& folder, int depth);

    std::string folder_;
    std::uint64_t limit_;  // blocks
    std::uint64_t block_bytes_, used_ = 0, temporaries_ = 0, evicted_ = 0;
    Order order_;
    std::unordered_map<Key128, Order::iterator> index_;
};

}  // namespace selvage::bench
