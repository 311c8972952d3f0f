#pragma once

#include <string_view>

namespace selvage::transforms::worker {

// Standard error is the server's log, and libraries write into it what they think of a strange file: as much of it, and in such
// words, as whoever made the file likes. An operator is told by the job's answer. So it leads nowhere once the libraries have
// started, and what this program says itself goes by a descriptor of its own, kept before.

inline constexpr int kOwnWords = 4;

// Has kOwnWords lead where standard error does. No descriptor above the socket may be open yet.
void keep_own_words();

// From here on only say() is heard; a sanitizer's report, too. Nothing happens where there is no /dev/null.
void silence_libraries();

// A line for the log. After keep_own_words().
void say(std::string_view what, std::string_view detail);

}  // namespace selvage::transforms::worker
