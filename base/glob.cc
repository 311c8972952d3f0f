// glob_match of base/url.h.
#include "base/url.h"

namespace selvage {
namespace {

// Walks glob and path together and remembers one place to return to for '*' and one for '**'.
//
// A later wildcard makes returning to an earlier one of its kind pointless: whatever the earlier would give up, the later can
// take. And when a '*' has failed up to the end of its segment, restarting '**' helps only where the first '*' behind it lands in
// a later segment. So no byte of the path is scanned more often than the glob is long.
class Matcher {
public:
    Matcher(std::string_view glob, std::string_view path) : glob_(glob), path_(path) {}

    bool run() {
        while (!at_end()) {
            if (!step() && !restart_star() && !restart_globstar()) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kNone = std::string_view::npos;

    struct Restart {
        std::size_t glob = kNone;  // behind the wildcard
        std::size_t path = 0;      // where that part was tried last
    };

    bool at_end() const { return g_ == glob_.size() && p_ == path_.size(); }

    bool step() {
        if (g_ == glob_.size()) return false;
        if (glob_.substr(g_).starts_with("**")) return enter_globstar();
        if (glob_[g_] == '*') return enter_star();
        if (p_ == path_.size()) return false;
        const bool fits = glob_[g_] == '?' ? path_[p_] != '/' : glob_[g_] == path_[p_];
        if (!fits) return false;
        ++g_;
        ++p_;
        return true;
    }

    bool enter_star() {
        star_ = {.glob = ++g_, .path = p_};
        if (first_star_ == kNone) first_star_ = p_;
        return true;
    }

    // "/**/" stands for any number of whole segments, also none; any other "**" for any bytes.
    bool enter_globstar() {
        const bool behind_slash = g_ > 0 && glob_[g_ - 1] == '/';
        while (g_ < glob_.size() && glob_[g_] == '*') ++g_;
        whole_segments_ = behind_slash && g_ < glob_.size() && glob_[g_] == '/';
        if (whole_segments_) ++g_;
        globstar_ = {.glob = g_, .path = p_};
        forget_stars();
        return true;
    }

    bool restart_star() {
        if (star_.glob == kNone || star_.path == path_.size() || path_[star_.path] == '/') return false;
        g_ = star_.glob;
        p_ = ++star_.path;
        return true;
    }

    bool restart_globstar() {
        if (globstar_.glob == kNone) return false;
        std::size_t next = globstar_.path + 1;
        if (first_star_ != kNone) {
            const std::size_t segment_end = path_.find('/', first_star_);
            if (segment_end == kNone) return false;
            next = segment_end + 1 - (first_star_ - globstar_.path);
        }
        if (whole_segments_ && next <= path_.size()) {
            const std::size_t slash = path_.find('/', next - 1);
            if (slash == kNone) return false;
            next = slash + 1;
        }
        if (next > path_.size()) return false;
        globstar_.path = p_ = next;
        g_ = globstar_.glob;
        forget_stars();
        return true;
    }

    void forget_stars() {
        star_ = {};
        first_star_ = kNone;
    }

    std::string_view glob_, path_;
    std::size_t g_ = 0, p_ = 0;
    Restart star_, globstar_;
    std::size_t first_star_ = kNone;  // where in the path the first '*' behind globstar_ began
    bool whole_segments_ = false;
};

}  // namespace

bool glob_match(std::string_view glob, std::string_view path) { return Matcher(glob, path).run(); }

}  // namespace selvage
