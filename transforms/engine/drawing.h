#pragma once

#include <cstddef>
#include <string_view>

namespace selvage::transforms {

// Has librsvg, fontconfig and gdk-pixbuf read from the system what they would read when they draw for the first time, so that
// they open no file later; and leaves them without fonts. Once, after vips_init(). 3 ms of CPU time.
void prepare_drawings();

// How many elements an SVG has: at least as many as its parser will find, as those in comments count, too.
std::size_t element_count(std::string_view svg);

// Why an SVG cannot be drawn here, for the log; empty: it can.
//
//   text       fonts are files, opened when a drawing names them, and a worker opens none: it would be a row of boxes
//   pictures   in other formats than PNG and JPEG: gdk-pixbuf finds out what they are by files
//   encodings  other than libxml2's own: iconv loads a module for each
//
// Looks at the text as it is written: where an entity hides what it is about, the drawing has boxes, or costs the worker its
// life.
std::string_view needs_files(std::string_view svg);

}  // namespace selvage::transforms
