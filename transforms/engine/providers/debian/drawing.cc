#include <fontconfig/fontconfig.h>
#include <gdk-pixbuf/gdk-pixbuf.h>

#include <string_view>

#include "transforms/engine/providers/provider.h"

namespace selvage::transforms::provider {
namespace {

// Set before anybody asks for one, the system's is never read.
void use_no_fonts() {
    FcConfig* none = FcConfigCreate();
    FcConfigSetRescanInterval(none, 0);  // or it looks for changed files while it draws
    FcConfigSetCurrent(none);
    FcConfigDestroy(none);  // ours; the current one is counted for itself
}

// Pictures within drawings: gdk-pixbuf has these two built in, the others are modules that it loads when they are needed.
void use_no_modules() {
    GSList* formats = gdk_pixbuf_get_formats();
    for (const GSList* each = formats; each != nullptr; each = each->next) {
        auto* format = static_cast<GdkPixbufFormat*>(each->data);
        gchar* name = gdk_pixbuf_format_get_name(format);
        if (name != std::string_view("png") && name != std::string_view("jpeg")) gdk_pixbuf_format_set_disabled(format, TRUE);
        g_free(name);
    }
    g_slist_free(formats);
}

}  // namespace

void prepare_drawing_libraries() {
    use_no_fonts();
    use_no_modules();
}

}  // namespace selvage::transforms::provider
