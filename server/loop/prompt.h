#pragma once

namespace selvage::loop {

// Asks that this thread, when it wakes, goes before threads of the same process that compute: what a loop does at a time takes
// microseconds. Left to itself Linux lets whoever runs go on for up to 3 ms first: of two loops that an answer comes through, on
// the core where it is being made, that is 5 ms to its first byte. It gets no more of the core than before.
//
// Linux 6.12; before that it comes to nothing. What the thread starts later, threads and processes, is as it would have been.
void be_prompt();

}  // namespace selvage::loop
